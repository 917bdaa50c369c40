import Dimensions
import IR
import Kernels

/// Dropout as training has it: from x and a seed (one `int64`), y and the mask of what was kept. `ratio` is the share
/// that is dropped; `stream` tells apart the nodes that share a seed.
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
    let stream = UInt64(bitPattern: context.node.int("stream", default: 0))
    let hasMask = context.hasOutput(1)
    guard try context.input(1).type == .int64, try context.input(1).count == 1 else {
      throw .invalid("the seed is not one int64")
    }
    return Kernel(sharing: .overwrites([0])) { arguments in
      let seed = UInt64(bitPattern: arguments.input(1, as: Int64.self).pointee)
      DropoutKernel.apply(
        arguments.input(0, as: T.self), arguments.output(0), mask: hasMask ? arguments.optionalOutput(1) : nil,
        count: count, ratio: ratio, seed: seed, stream: stream, workers: arguments.workers)
    }
  }

  /// What was dropped is drawn again from the same seed: backward keeps no mask.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let found = context.emit(
      names[0], gradient, context.node.input(1), attributes: context.node.copied("ratio", "stream"))
    context.accumulate(found, to: 0)
  }
}
