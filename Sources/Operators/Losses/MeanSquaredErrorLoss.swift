import IR
import Kernels

/// The mean of squared differences.
///
/// Inputs: outputs, targets of the same shape. Attributes: `weight`.
public struct MeanSquaredErrorLoss: OwnOperator {
  public let names = [OperatorName.own("MeanSquaredErrorLoss")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferLoss(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try LossShape.requireEqualShapes(context, "targets")
    return try Self.make(context.real(0), count: context.input(0).count, weight: LossShape.weight(context))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try LossShape.differentiate(&context, by: "MeanSquaredErrorLossGradient")
  }

  private static func make<T: Real>(_: T.Type, count: Int, weight: Double) -> Kernel {
    Kernel(scratchBytes: ElementLosses.pieces(count) * 8) { arguments throws(KernelError) in
      ElementLosses.forward(
        .squaredError, arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), count: count,
        weight: weight,
        parts: arguments.scratch.assumingMemoryBound(to: Double.self), workers: arguments.workers)
    }
  }
}

/// The gradient of ``MeanSquaredErrorLoss``. Inputs: outputs, targets, the loss's gradient.
public struct MeanSquaredErrorLossGradient: OwnOperator {
  public let names = [OperatorName.own("MeanSquaredErrorLossGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferGradient(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.make(context.real(0), count: context.input(0).count, weight: LossShape.weight(context))
  }

  private static func make<T: Real>(_: T.Type, count: Int, weight: Double) -> Kernel {
    Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      ElementLosses.gradient(
        .squaredError, arguments.input(0, as: T.self), arguments.input(1), upstream: arguments.input(2, as: T.self)[0],
        arguments.output(0), count: count, weight: weight, workers: arguments.workers)
    }
  }
}
