import IR
import Kernels

/// The mean cross-entropy of logits against class numbers; negative labels do not count.
///
/// Inputs: logits, labels. Attributes: `axis` of the classes (the last by default), `label_smoothing`, `weight`.
public struct CrossEntropyLoss: OwnOperator {
  public let names = [OperatorName.own("CrossEntropyLoss")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferLoss(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let settings = try Self.settings(context)
    return switch try context.input(1).type {
    case .int64: try Self.make(context.real(0), Int64.self, settings)
    case .int32: try Self.make(context.real(0), Int32.self, settings)
    default: throw .unsupported("labels that are neither int64 nor int32")
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try LossShape.differentiate(&context, by: "CrossEntropyLossGradient")
  }

  static func settings(_ context: KernelContext) throws(KernelError) -> CrossEntropy.Settings {
    let layout = try LossShape.layout(context)
    let labels = try context.input(1)
    guard labels.count == layout.rows else {
      throw .invalid("labels of shape \(labels.shape) do not fit logits of shape \(try context.input(0).shape)")
    }
    return CrossEntropy.Settings(
      layout: layout, smoothing: Double(context.node.float("label_smoothing") ?? 0),
      weight: LossShape.weight(context))
  }

  private static func make<T: Real, L: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _: T.Type, _: L.Type, _ settings: CrossEntropy.Settings
  ) -> Kernel {
    Kernel(scratchBytes: settings.layout.rows * 8) { arguments throws(KernelError) in
      let labels = arguments.input(1, as: L.self)
      if let stray = CrossEntropy.stray(labels, settings.layout) {
        throw .invalid("label \(stray.label) is none of the \(settings.layout.classes) classes")
      }
      CrossEntropy.forward(
        arguments.input(0, as: T.self), labels, arguments.output(0),
        parts: arguments.scratch.assumingMemoryBound(to: Double.self), settings, workers: arguments.workers)
    }
  }
}

/// The gradient of ``CrossEntropyLoss`` towards the logits. Inputs: logits, labels, the loss's gradient.
public struct CrossEntropyLossGradient: OwnOperator {
  public let names = [OperatorName.own("CrossEntropyLossGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { LossShape.inferGradient(&context) }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let settings = try CrossEntropyLoss.settings(context)
    return switch try context.input(1).type {
    case .int64: try Self.make(context.real(0), Int64.self, settings)
    case .int32: try Self.make(context.real(0), Int32.self, settings)
    default: throw .unsupported("labels that are neither int64 nor int32")
    }
  }

  private static func make<T: Real, L: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _: T.Type, _: L.Type, _ settings: CrossEntropy.Settings
  ) -> Kernel {
    // Forward has refused labels that are no class.
    Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      CrossEntropy.gradient(
        arguments.input(0, as: T.self), arguments.input(1, as: L.self), upstream: arguments.input(2, as: T.self)[0],
        arguments.output(0), settings, workers: arguments.workers)
    }
  }
}
