import IR
import Kernels

/// Operators whose output is their input under another shape.
extension Reshape {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { .view }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Self.differentiateView(&context)
  }

  /// The gradient under the input's shape.
  static func differentiateView(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    context.accumulate(context.emit(.own("ReshapeTo"), gradient, context.vector(try context.shape(0))), to: 0)
  }
}

extension Flatten {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { .view }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Squeeze {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { .view }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Unsqueeze {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { .view }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Identity {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { .view }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    if let gradient = context.gradient() { context.accumulate(gradient, to: 0) }
  }
}
