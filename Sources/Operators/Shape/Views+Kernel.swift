import Dimensions
import IR
import Kernels

extension KernelContext {
  /// Output 0 is input 0 under another shape. Where inference finds none, that is the shape a model declares, which
  /// may be wrong.
  /// - Parameter axes: the input that says which axes come or go: a shape that does not follow from it is not trusted.
  func view(axesIn axes: Int? = nil) throws(KernelError) -> Kernel {
    if let axes { _ = try ints(axes) }
    let (from, to) = (try input(0).shape, try output().shape)
    guard let count = Size.product(from.map { Size.known($0) }), count == Size.product(to.map { Size.known($0) }) else {
      throw .invalid("an input of shape \(from) does not have the elements of an output of shape \(to)")
    }
    return .view
  }
}

/// Operators whose output is their input under another shape.
extension Reshape {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view() }

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
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view() }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Squeeze {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view(axesIn: 1) }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Unsqueeze {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view(axesIn: 1) }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}

extension Identity {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view() }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    if let gradient = context.gradient() { context.accumulate(gradient, to: 0) }
  }
}
