import IR
import Kernels

extension BatchNormalization {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let x = try context.input(0)
    let layout = try Self.layout(x.shape, parameters: context.input(1).count)
    for input in 1..<5 {
      let operand = try context.input(input)
      guard operand.count == layout.channels else {
        throw .invalid("input \(input) has \(operand.count) elements, expected \(layout.channels)")
      }
      guard operand.type == x.type else { throw .unsupported("statistics of another type than the input") }
    }
    let isTraining = context.opset >= 14 && context.node.int("training_mode", default: 0) != 0
    guard isTraining || !(1..<5).contains(where: context.hasOutput) else {
      throw .unsupported("statistics of a batch without training_mode")
    }
    return isTraining ? try train(context.real(0), context, layout) : try apply(context.real(0), context, layout)
  }

  /// How channels lie in memory. Before operator set 9 there may be statistics for each position (`spatial` zero), which
  /// then are channels of one element each.
  static func layout(_ shape: [Int], parameters: Int) throws(KernelError) -> ChannelNormalization.Layout {
    let count = shape.reduce(1, *)
    guard shape.count > 1 else { return ChannelNormalization.Layout(batch: count, channels: 1, inner: 1) }
    let channels = shape[1]
    if parameters != channels, parameters == shape.dropFirst().reduce(1, *) {
      return ChannelNormalization.Layout(batch: shape[0], channels: parameters, inner: 1)
    }
    return ChannelNormalization.Layout(batch: shape[0], channels: channels, inner: shape.dropFirst(2).reduce(1, *))
  }

  private func apply<T: Real>(
    _: T.Type, _ context: KernelContext, _ layout: ChannelNormalization.Layout
  ) throws(KernelError) -> Kernel {
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    return Kernel(sharing: .overwrites([0])) { arguments in
      ChannelNormalization.apply(
        arguments.input(0, as: T.self), arguments.channelParameters(T.self), epsilon: epsilon,
        arguments.output(0, as: T.self), layout, workers: arguments.workers)
    }
  }

  /// ONNX's training mode: the running variance takes the plain variance of the batch.
  private func train<T: Real>(
    _: T.Type, _ context: KernelContext, _ layout: ChannelNormalization.Layout
  ) throws(KernelError) -> Kernel {
    let epsilon = context.node.decimal("epsilon", default: 1e-5)
    let momentum = context.node.decimal("momentum", default: 0.9)
    let (hasMean, hasVariance) = (context.hasOutput(1), context.hasOutput(2))
    return Kernel { arguments in
      let statistics = ChannelNormalization.Statistics<T>(
        runningMean: hasMean ? arguments.output(1) : nil, runningVariance: hasVariance ? arguments.output(2) : nil,
        batchMean: nil, inverseDeviation: nil)
      ChannelNormalization.train(
        arguments.input(0, as: T.self), arguments.channelParameters(T.self), epsilon: epsilon, momentum: momentum,
        isUnbiased: false, .none, arguments.output(0, as: T.self), statistics, layout, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let inputs = context.node.inputs
    let epsilon = context.node.copied("epsilon")
    if context.opset >= 14, context.node.int("training_mode", default: 0) != 0 {
      let statistics = context.emit(.own("BatchNormalizationTraining"), inputs, outputs: 5, attributes: epsilon)
      context.emitGradients(
        .own("BatchNormalizationGradient"), [inputs[0], inputs[1], statistics[3], statistics[4], gradient],
        towards: 0..<3)
      return
    }
    guard inputs.count > 4 else { throw OperatorError("its statistics are missing") }
    context.emitGradients(
      .own("BatchNormalizationFrozenGradient"), [inputs[0], inputs[1], inputs[3], inputs[4], gradient],
      towards: 0..<5, attributes: epsilon)
  }
}

extension GradientContext {
  /// Adds a node whose outputs are the gradients of these inputs, and leads those that are wanted to them; the others
  /// are left out.
  mutating func emitGradients(
    _ name: OperatorName, _ operands: [ValueID?], towards inputs: Range<Int>, attributes: [Attribute] = []
  ) {
    guard inputs.contains(where: wants) else { return }
    let found = emit(name, operands, outputs: inputs.count, attributes: attributes)
    let place = emitted.count - 1
    for (gradient, input) in zip(found, inputs) {
      if wants(input) {
        accumulate(gradient, to: input)
      } else {
        emitted[place].outputs[input - inputs.lowerBound] = nil
      }
    }
  }
}

extension KernelArguments {
  /// Inputs 1 to 4 of a batch normalization.
  func channelParameters<T: Real>(_: T.Type) -> ChannelNormalization.Parameters<T> {
    ChannelNormalization.Parameters(scale: input(1), bias: input(2), mean: input(3), variance: input(4))
  }
}

extension Node {
  /// A floating-point attribute as its shortest decimal notation says it: 1e-5 rather than the nearest number of single
  /// precision, which would show in double precision.
  func decimal(_ name: String, default value: Double) -> Double {
    float(name).map { Double("\($0)") ?? Double($0) } ?? value
  }

  /// Those of the named attributes the node sets.
  func copied(_ names: String...) -> [Attribute] { attributes.filter { names.contains($0.name) } }
}
