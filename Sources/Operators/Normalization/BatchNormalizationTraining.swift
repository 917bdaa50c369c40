import Dimensions
import IR
import Kernels

/// Batch normalization by the statistics of the batch, with the activation that follows it.
///
/// Takes x, scale, bias, running mean and running variance; gives y, the new running mean and (unbiased) variance, and
/// the batch's mean and inverse deviation for backward. `momentum` is the share of the old running statistics that
/// stays, as ONNX has it. `activation` is `Relu`, `Clip6` or nothing.
public struct BatchNormalizationTraining: OwnOperator {
  public let names = [OperatorName.own("BatchNormalizationTraining")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    for output in 1..<5 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  static func activation(_ node: Node) throws(KernelError) -> ChannelNormalization.Activation {
    switch node.string("activation") ?? "" {
    case "": .none
    case "Relu": .relu
    case "Clip6": .clip6
    case let other: throw .unsupported("the activation \(other) after a normalization")
    }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try BatchNormalization.layout(context.input(0).shape, parameters: context.input(1).count)
    let activation = try Self.activation(context.node)
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    let momentum = context.node.decimal("momentum", default: 0.9)
    let has = (0..<5).map { context.hasOutput($0) }
    return Kernel(sharing: .overwrites([0])) { arguments in
      let statistics = ChannelNormalization.Statistics<T>(
        runningMean: has[1] ? arguments.optionalOutput(1) : nil,
        runningVariance: has[2] ? arguments.optionalOutput(2) : nil,
        batchMean: has[3] ? arguments.optionalOutput(3) : nil,
        inverseDeviation: has[4] ? arguments.optionalOutput(4) : nil)
      ChannelNormalization.train(
        arguments.input(0, as: T.self), arguments.channelParameters(T.self), epsilon: epsilon, momentum: momentum,
        isUnbiased: true, activation, arguments.output(0, as: T.self), statistics, layout,
        workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let node = context.node
    guard let mean = node.output(3), let deviation = node.output(4) else {
      throw OperatorError("it does not give the statistics of the batch")
    }
    let isActivated = !(node.string("activation") ?? "").isEmpty
    let inputs = [node.input(0), node.input(1), mean, deviation, gradient] + (isActivated ? [node.input(2)] : [])
    context.emitGradients(
      .own("BatchNormalizationGradient"), inputs, towards: 0..<3, attributes: node.copied("activation"))
  }
}

/// The gradients of `BatchNormalizationTraining` towards x, scale and bias, from x, scale, the batch's mean and inverse
/// deviation, the gradient of y and, where there is an activation, the bias.
public struct BatchNormalizationGradient: OwnOperator {
  public let names = [OperatorName.own("BatchNormalizationGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    for output in 1..<3 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try BatchNormalization.layout(context.input(0).shape, parameters: context.input(1).count)
    let activation = try BatchNormalizationTraining.activation(context.node)
    let hasBias = context.has(5)
    guard hasBias || activation == .none else { throw .invalid("the bias in front of the activation is missing") }
    let has = (0..<3).map { context.hasOutput($0) }
    // Every row is read in the second pass just before it is written.
    return Kernel(sharing: .overwrites(has[0] ? [4] : [])) { arguments in
      let operands = ChannelNormalization.Backward<T>(
        x: arguments.input(0), scale: arguments.input(1), mean: arguments.input(2), deviation: arguments.input(3),
        gradient: arguments.input(4), bias: hasBias ? arguments.input(5) : nil)
      let results = ChannelNormalization.Gradients<T>(
        x: has[0] ? arguments.optionalOutput(0) : nil, scale: has[1] ? arguments.optionalOutput(1) : nil,
        bias: has[2] ? arguments.optionalOutput(2) : nil)
      ChannelNormalization.gradient(operands, activation, results, layout, workers: arguments.workers)
    }
  }
}

/// The gradients of a batch normalization by given statistics, towards all its inputs.
public struct BatchNormalizationFrozenGradient: OwnOperator {
  public let names = [OperatorName.own("BatchNormalizationFrozenGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    for output in 1..<5 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try BatchNormalization.layout(context.input(0).shape, parameters: context.input(1).count)
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    let has = (0..<5).map { context.hasOutput($0) }
    return Kernel(sharing: .overwrites(has[0] ? [4] : [])) { arguments in
      let operands = ChannelNormalization.Backward<T>(
        x: arguments.input(0), scale: arguments.input(1), mean: arguments.input(2), deviation: arguments.input(3),
        gradient: arguments.input(4), bias: nil)
      let outputs = (0..<5).map { has[$0] ? arguments.optionalOutput($0, as: T.self) : nil }
      let results = ChannelNormalization.Gradients<T>(
        x: outputs[0], scale: outputs[1], bias: outputs[2], mean: outputs[3], variance: outputs[4])
      ChannelNormalization.frozenGradient(operands, epsilon: epsilon, results, layout, workers: arguments.workers)
    }
  }
}
