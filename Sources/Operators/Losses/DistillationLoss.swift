import IR
import Kernels

/// How far a student's distribution over classes is from its teacher's.
///
/// Inputs: the student's logits, the teacher's. Attributes: `axis` of the classes (the last by default),
/// `temperature`, `weight`.
public struct DistillationLoss: OwnOperator {
  public let names = [OperatorName.own("DistillationLoss")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferLoss(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try LossShape.requireEqualShapes(context, "the teacher's")
    return try Self.make(context.real(0), Self.settings(context))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try LossShape.differentiate(&context, by: "DistillationLossGradient")
  }

  static func settings(_ context: KernelContext) throws(KernelError) -> Distillation.Settings {
    Distillation.Settings(
      layout: try LossShape.layout(context), temperature: Double(context.node.float("temperature") ?? 1),
      weight: LossShape.weight(context))
  }

  private static func make<T: Real>(_: T.Type, _ settings: Distillation.Settings) -> Kernel {
    Kernel(scratchBytes: settings.layout.rows * 8) { arguments throws(KernelError) in
      Distillation.forward(
        arguments.input(0, as: T.self), arguments.input(1), arguments.output(0),
        parts: arguments.scratch.assumingMemoryBound(to: Double.self), settings, workers: arguments.workers)
    }
  }
}

/// The gradient of ``DistillationLoss`` towards the student. Inputs: student, teacher, the loss's gradient.
public struct DistillationLossGradient: OwnOperator {
  public let names = [OperatorName.own("DistillationLossGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferGradient(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.make(context.real(0), DistillationLoss.settings(context))
  }

  private static func make<T: Real>(_: T.Type, _ settings: Distillation.Settings) -> Kernel {
    Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      Distillation.gradient(
        arguments.input(0, as: T.self), arguments.input(1), upstream: arguments.input(2, as: T.self)[0],
        arguments.output(0), settings, workers: arguments.workers)
    }
  }
}
