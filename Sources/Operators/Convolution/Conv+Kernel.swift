import IR
import Kernels

extension Conv {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.makeKernel(context, activation: .none, residual: nil)
  }

  /// The kernel of a convolution of input 0 with weight 1 and bias 2, with what is fused behind it.
  /// - Parameter residual: the input that is added before the activation.
  static func makeKernel(
    _ context: KernelContext, activation: ConvolutionActivation, residual: Int?
  ) throws(KernelError) -> Kernel {
    let geometry = try context.convolution(
      input: try context.input(0).shape, weight: try context.input(1).shape, output: try context.output().shape)
    if let residual, context.has(residual), try context.input(residual).shape != context.output().shape {
      throw .unsupported("a residual of another shape than the output")
    }
    let fused = Fused(
      activation: activation, bias: context.has(2) ? 2 : nil, residual: residual.flatMap { context.has($0) ? $0 : nil })
    return try make(try context.real(0), geometry, fused, try context.matrixProduct())
  }

  private struct Fused {
    let activation: ConvolutionActivation
    let bias: Int?
    let residual: Int?

    func epilogue<T: Real>(_ arguments: KernelArguments, _: T.Type) -> ConvolutionEpilogue<T> {
      ConvolutionEpilogue(
        bias: bias.map { arguments.input($0) }, residual: residual.map { arguments.input($0) }, activation: activation)
    }
  }

  /// The kernel of a convolution without a bias.
  static func make(
    _ real: any Real.Type, _ geometry: ConvolutionGeometry, _ product: MatrixProduct
  ) throws(KernelError) -> Kernel {
    try make(real, geometry, Fused(activation: .none, bias: nil, residual: nil), product)
  }

  private static func make<T: Real>(
    _: T.Type, _ geometry: ConvolutionGeometry, _ fused: Fused, _ product: MatrixProduct
  ) throws(KernelError) -> Kernel {
    if geometry.isDepthwise {
      let depthwise = DepthwiseConvolution(geometry)
      return Kernel(scratchBytes: depthwise.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
        depthwise(
          arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), fused.epilogue(arguments, T.self),
          scratch: arguments.scratch.assumingMemoryBound(to: T.self), arguments.workers)
      }
    }
    if T.self == Float.self, let winograd = WinogradConvolution(geometry) {
      return Kernel(scratchBytes: winograd.scratchCount * MemoryLayout<Float>.stride) { arguments throws(KernelError) in
        winograd(
          arguments.input(0), arguments.input(1), arguments.output(0), fused.epilogue(arguments, Float.self),
          scratch: arguments.scratch.assumingMemoryBound(to: Float.self), product, arguments.workers)
      }
    }
    let convolution = Convolution(geometry)
    return Kernel(scratchBytes: convolution.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      convolution(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), fused.epilogue(arguments, T.self),
        scratch: arguments.scratch.assumingMemoryBound(to: T.self), product, arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient(), let input = context.node.input(0), let weight = context.node.input(1) else {
      return
    }
    let attributes = context.node.attributes
    if context.wants(0) {
      let shape = AttributeValue.ints(try context.shape(0).map { Int64($0) })
      context.accumulate(
        context.emit(
          .own("ConvInputGradient"), gradient, weight, attributes: attributes + [Attribute(name: "shape", value: shape)]),
        to: 0)
    }
    if context.wants(1) {
      let shape = AttributeValue.ints(try context.shape(1).map { Int64($0) })
      context.accumulate(
        context.emit(
          .own("ConvWeightGradient"), gradient, input, attributes: attributes + [Attribute(name: "shape", value: shape)]),
        to: 1)
    }
    if context.wants(2) { context.accumulate(context.emit(.own("ConvBiasGradient"), gradient), to: 2) }
  }
}
