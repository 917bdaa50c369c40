import Dimensions
import IR
import Kernels

/// `NegativeLogLikelihoodLoss` and `SoftmaxCrossEntropyLoss`, which name classes by number.
public struct LikelihoodLoss: Operator {
  public let names = [OperatorName("NegativeLogLikelihoodLoss"), OperatorName("SoftmaxCrossEntropyLoss")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    try checkShapes(context)
    let isReduced = (context.node.string("reduction") ?? "mean") != "none"
    context.setOutput(type: context.type(0), shape: isReduced ? [] : context.shape(1))
    guard context.node.opType == "SoftmaxCrossEntropyLoss" else { return }
    context.setOutput(1, type: context.type(0), shape: context.shape(0))
  }

  /// Scores are batch × classes × positions, labels batch × positions, weights one a class.
  private func checkShapes(_ context: ShapeContext) throws(OperatorError) {
    guard let scores = context.shape(0) else { return }
    guard scores.count >= 2 else { throw OperatorError("scores have an axis for the batch and one for classes") }
    if let labels = context.shape(1), !Self.agree(labels, [scores[0]] + scores[2...]) {
      throw OperatorError("its labels do not have the shape of its scores without their classes")
    }
    if let weights = context.shape(2), !Self.agree(weights, [scores[1]]) {
      throw OperatorError("its weights are not one for each class")
    }
  }

  private static func agree(_ shape: [Size], _ wanted: [Size]) -> Bool {
    shape.count == wanted.count
      && zip(shape, wanted).allSatisfy { $0.known == nil || $1.known == nil || $0.known == $1.known }
  }

  public func relateAxes(_ context: inout AxisContext) {
    let reason = "\(context.node.opType) names classes"
    context.fixInputs(reason)
    for output in context.node.outputs.indices { context.setFixedOutput(output, reason) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let loss = try Self.loss(context, scores: 0)
    let real = try context.real(0)
    let integer = try KernelContext.integer(try context.input(1).type)
    return Self.kernel(loss, real, integer, context)
  }

  /// Labels and weights follow the scores among the inputs.
  fileprivate static func loss(_ context: KernelContext, scores: Int) throws(KernelError) -> LikelihoodTerms {
    let (operand, labels) = (try context.input(scores), try context.input(scores + 1))
    let shape = operand.shape
    guard shape.count >= 2 else { throw .invalid("scores have an axis for the batch and one for classes") }
    guard labels.shape == [shape[0]] + shape[2...] else {
      throw .invalid("labels \(labels.shape) do not have the shape of scores \(shape) without their classes")
    }
    if context.has(scores + 2) {
      let weights = try context.input(scores + 2)
      guard weights.shape == [shape[1]], weights.type == operand.type else {
        throw .invalid("weights \(weights.type) \(weights.shape) are not one for each of \(shape[1]) classes")
      }
    }
    let averaging: LikelihoodTerms.Averaging =
      switch context.node.string("reduction") ?? "mean" {
      case "none": .none
      case "sum": .sum
      default: .mean
      }
    return LikelihoodTerms(
      outer: shape[0], classes: shape[1], inner: shape[2...].reduce(1, *), averaging: averaging,
      ignoredLabel: context.node.int("ignore_index").map { Int($0) })
  }

  private static func kernel<T: Real, L: IntegerElement>(
    _ loss: LikelihoodTerms, _: T.Type, _: L.Type, _ context: KernelContext
  ) -> Kernel {
    let normalizes = context.node.opType == "SoftmaxCrossEntropyLoss"
    let (hasWeights, hasLogProbabilities) = (context.has(2), context.hasOutput(1))
    let rows = SoftmaxRows(.logSoftmax, outer: loss.outer, size: loss.classes, inner: loss.inner)
    let scratch = normalizes && !hasLogProbabilities ? loss.outer * loss.classes * loss.inner : 0
    return Kernel(scratchBytes: scratch * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      let labels = arguments.input(1, as: L.self)
      if let label = loss.strayLabel(labels) {
        throw .invalid("label \(label) names none of \(loss.classes) classes")
      }
      var logProbabilities = arguments.input(0, as: T.self)
      if normalizes {
        let memory =
          hasLogProbabilities ? arguments.output(1, as: T.self) : arguments.scratch.assumingMemoryBound(to: T.self)
        rows(logProbabilities, memory, workers: arguments.workers)
        logProbabilities = UnsafePointer(memory)
      }
      loss.loss(
        logProbabilities: logProbabilities, labels: labels, weights: hasWeights ? arguments.input(2) : nil,
        arguments.output(0, as: T.self))
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.gradient(1) == nil else { throw OperatorError("its logarithms of probabilities have no gradient") }
    guard !context.wants(2) else {
      throw OperatorError("its weights of classes have no gradient: leave them out of what is trained")
    }
    guard let g = context.gradient() else { return }
    let gradient = context.emit(
      .own("\(context.node.opType)Gradient"), [g] + context.node.inputs, outputs: 1,
      attributes: context.node.attributes)
    context.accumulate(gradient[0], to: 0)
  }

  /// The gradient of a loss: inputs are the gradient that reached it, and its own.
  public struct Gradient: OwnOperator {
    public let names = [
      OperatorName.own("NegativeLogLikelihoodLossGradient"), .own("SoftmaxCrossEntropyLossGradient"),
    ]

    public init() {}

    public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
      context.setOutput(type: context.type(1), shape: context.shape(1))
    }

    public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
      let loss = try LikelihoodLoss.loss(context, scores: 1)
      let real = try context.real(1)
      let integer = try KernelContext.integer(try context.input(2).type)
      return Self.kernel(loss, real, integer, context)
    }

    private static func kernel<T: Real, L: IntegerElement>(
      _ loss: LikelihoodTerms, _: T.Type, _: L.Type, _ context: KernelContext
    ) -> Kernel {
      let normalizes = context.node.opType == "SoftmaxCrossEntropyLossGradient"
      let hasWeights = context.has(3)
      let rows = SoftmaxRows(.logSoftmax, outer: loss.outer, size: loss.classes, inner: loss.inner)
      return Kernel { arguments throws(KernelError) in
        let labels = arguments.input(2, as: L.self)
        if let label = loss.strayLabel(labels) {
          throw .invalid("label \(label) names none of \(loss.classes) classes")
        }
        let y = arguments.output(0, as: T.self)
        // Logarithms of probabilities are made where the gradient goes, element by element.
        if normalizes { rows(arguments.input(1, as: T.self), y, workers: arguments.workers) }
        loss.gradient(
          labels: labels, weights: hasWeights ? arguments.input(3) : nil, arguments.input(0),
          logProbabilities: normalizes ? UnsafePointer(y) : nil, y)
      }
    }
  }
}
