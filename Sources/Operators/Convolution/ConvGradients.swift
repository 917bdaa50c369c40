import Dimensions
import IR
import Kernels

extension Node {
  /// The shape a gradient has, which its own operands do not tell.
  fileprivate var gradientShape: [Int]? { ints("shape")?.map { Int($0) } }
}

extension ShapeContext {
  fileprivate mutating func setGradientShape() {
    setOutput(type: type(0), shape: node.gradientShape?.map { Size.known($0) })
  }
}

/// The gradient of ``Conv`` towards its input, from the output's gradient and the weight. It has the convolution's
/// attributes and the input's `shape`.
public struct ConvInputGradient: OwnOperator {
  public let names = [OperatorName.own("ConvInputGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { context.setGradientShape() }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let geometry = try context.convolution(
      input: try context.output().shape, weight: try context.input(1).shape, output: try context.input(0).shape)
    return try Self.make(try context.real(0), geometry, bias: nil, try context.matrixProduct())
  }

  /// - Parameter bias: the input that is added to the channels of the convolution's input.
  static func make<T: Real>(
    _: T.Type, _ geometry: ConvolutionGeometry, bias: Int?, _ product: MatrixProduct
  ) throws(KernelError) -> Kernel {
    if geometry.isDepthwise {
      let depthwise = DepthwiseConvolution(geometry)
      return Kernel(scratchBytes: depthwise.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
        depthwise.inputGradient(
          arguments.input(0, as: T.self), arguments.input(1), arguments.output(0),
          ConvolutionEpilogue(bias: bias.map { arguments.input($0) }),
          scratch: arguments.scratch.assumingMemoryBound(to: T.self), arguments.workers)
      }
    }
    if T.self == Float.self, let winograd = WinogradConvolution(inputGradientOf: geometry) {
      return Kernel(scratchBytes: winograd.scratchCount * MemoryLayout<Float>.stride) { arguments throws(KernelError) in
        winograd(
          arguments.input(0), arguments.input(1), arguments.output(0),
          ConvolutionEpilogue(bias: bias.map { arguments.input($0) }),
          scratch: arguments.scratch.assumingMemoryBound(to: Float.self), product, arguments.workers)
      }
    }
    let gradient = ConvolutionInputGradient(geometry)
    return Kernel(scratchBytes: gradient.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      gradient(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0),
        ConvolutionEpilogue(bias: bias.map { arguments.input($0) }),
        scratch: arguments.scratch.assumingMemoryBound(to: T.self), product, arguments.workers)
    }
  }
}

/// The gradient of ``Conv`` towards its weight, from the output's gradient and the input. It has the convolution's
/// attributes and the weight's `shape`.
public struct ConvWeightGradient: OwnOperator {
  public let names = [OperatorName.own("ConvWeightGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { context.setGradientShape() }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let geometry = try context.convolution(
      input: try context.input(1).shape, weight: try context.output().shape, output: try context.input(0).shape)
    return try Self.make(try context.real(0), geometry, gradient: 0, input: 1, try context.matrixProduct())
  }

  /// - Parameters:
  ///   - gradient: the position of the gradient of the convolution's output.
  ///   - input: the position of the convolution's input.
  static func make<T: Real>(
    _: T.Type, _ geometry: ConvolutionGeometry, gradient: Int, input: Int, _ product: MatrixProduct
  ) throws(KernelError) -> Kernel {
    if geometry.isDepthwise {
      let depthwise = DepthwiseConvolution(geometry)
      return Kernel(scratchBytes: depthwise.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
        depthwise.weightGradient(
          arguments.input(gradient, as: T.self), arguments.input(input), arguments.output(0),
          scratch: arguments.scratch.assumingMemoryBound(to: T.self), arguments.workers)
      }
    }
    if T.self == Float.self, let winograd = WinogradWeightGradient(geometry) {
      return Kernel(scratchBytes: winograd.scratchCount * MemoryLayout<Float>.stride) { arguments throws(KernelError) in
        winograd(
          arguments.input(gradient), arguments.input(input), arguments.output(0),
          scratch: arguments.scratch.assumingMemoryBound(to: Float.self), product, arguments.workers)
      }
    }
    let weightGradient = ConvolutionWeightGradient(geometry)
    return Kernel(scratchBytes: weightGradient.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      weightGradient(
        arguments.input(gradient, as: T.self), arguments.input(input), arguments.output(0),
        scratch: arguments.scratch.assumingMemoryBound(to: T.self), product, arguments.workers)
    }
  }
}

/// The gradient of ``Conv`` and ``ConvTranspose`` towards their bias: the sum of the output's gradient for each channel.
public struct ConvBiasGradient: OwnOperator {
  public let names = [OperatorName.own("ConvBiasGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0).flatMap { $0.count > 1 ? [$0[1]] : nil })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try make(try context.real(0), try context.input(0).shape)
  }

  private func make<T: Real>(_: T.Type, _ shape: [Int]) throws(KernelError) -> Kernel {
    guard shape.count > 1 else { throw .invalid("a gradient of \(shape.count) axes, expected 3 at least") }
    let count = shape[2...].reduce(1, *)
    return Kernel { arguments throws(KernelError) in
      ChannelSums.sum(
        arguments.input(0, as: T.self), batch: shape[0], channels: shape[1], count: count, arguments.output(0),
        arguments.workers)
    }
  }
}
