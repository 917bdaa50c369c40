import IR
import Kernels

/// A mean over elements: of squared differences, or of the binary cross-entropy of logits against probabilities.
///
/// Inputs: outputs, targets of the same shape. Attributes: `weight`.
public struct ElementLoss: OwnOperator {
  public static let meanSquaredError = ElementLoss("MeanSquaredErrorLoss", .squaredError)
  public static let binaryCrossEntropy = ElementLoss("BinaryCrossEntropyLoss", .binaryCrossEntropy)

  public let names: [OperatorName]
  let kind: ElementLosses.Kind

  private init(_ name: String, _ kind: ElementLosses.Kind) {
    names = [.own(name)]
    self.kind = kind
  }

  /// The operator of its gradient.
  public var gradient: ElementLossGradient { ElementLossGradient(of: self) }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferLoss(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try LossShape.requireEqualShapes(context, "targets")
    return try Self.make(
      context.real(0), kind, count: context.input(0).count, weight: LossShape.weight(context))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try LossShape.differentiate(&context, by: "\(context.node.opType)Gradient")
  }

  private static func make<T: Real>(_: T.Type, _ kind: ElementLosses.Kind, count: Int, weight: Double) -> Kernel {
    Kernel(scratchBytes: ElementLosses.pieces(count) * 8) { arguments throws(KernelError) in
      ElementLosses.forward(
        kind, arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), count: count, weight: weight,
        parts: arguments.scratch.assumingMemoryBound(to: Double.self), workers: arguments.workers)
    }
  }
}

/// The gradient of ``ElementLoss``. Inputs: outputs, targets, the loss's gradient.
public struct ElementLossGradient: OwnOperator {
  public let names: [OperatorName]
  private let kind: ElementLosses.Kind

  init(of loss: ElementLoss) {
    names = loss.names.map { .own("\($0.type)Gradient") }
    kind = loss.kind
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferGradient(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.make(
      context.real(0), kind, count: context.input(0).count, weight: LossShape.weight(context))
  }

  private static func make<T: Real>(_: T.Type, _ kind: ElementLosses.Kind, count: Int, weight: Double) -> Kernel {
    Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      ElementLosses.gradient(
        kind, arguments.input(0, as: T.self), arguments.input(1), upstream: arguments.input(2, as: T.self)[0],
        arguments.output(0), count: count, weight: weight, workers: arguments.workers)
    }
  }
}
