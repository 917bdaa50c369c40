import Dimensions
import IR
import Kernels

/// Dropout as training has it: from x and a seed (one `int64`), y and the mask of what was kept. `ratio` is the share
/// that is dropped.
public struct DropoutTraining: OwnOperator {
  public let names = [OperatorName.own("DropoutTraining")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    context.setOutput(1, type: .bool, shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let count = try context.input(0).count
    let ratio = context.node.decimal("ratio", default: 0.5)
    let hasMask = context.hasOutput(1)
    return Kernel(sharing: .overwrites([0])) { arguments in
      let seed = UInt64(bitPattern: arguments.input(1, as: Int64.self).pointee)
      DropoutKernel.apply(
        arguments.input(0, as: T.self), arguments.output(0), mask: hasMask ? arguments.optionalOutput(1) : nil,
        count: count, ratio: ratio, seed: seed, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    guard let mask = context.node.output(1) else { throw OperatorError("it does not give its mask") }
    let found = context.emit(
      .own("DropoutGradient"), gradient, mask, attributes: context.node.copied("ratio"))
    context.accumulate(found, to: 0)
  }
}

/// The gradient of `DropoutTraining` from that of its output and the mask.
public struct DropoutGradient: OwnOperator {
  public let names = [OperatorName.own("DropoutGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let count = try context.input(0).count
    let ratio = context.node.decimal("ratio", default: 0.5)
    return Kernel(sharing: .overwrites([0])) { arguments in
      DropoutKernel.gradient(
        arguments.input(0, as: T.self), mask: arguments.input(1), arguments.output(0), count: count, ratio: ratio,
        workers: arguments.workers)
    }
  }
}
