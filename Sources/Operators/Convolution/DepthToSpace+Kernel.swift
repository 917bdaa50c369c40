import IR
import Kernels

extension DepthToSpace {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard let block = block(context.node), input.rank == 4, output.rank == 4 else {
      throw .invalid("its block or its input's shape cannot be")
    }
    let toSpace = context.node.opType == "DepthToSpace"
    let blocks = SpaceBlocks(
      batch: input.shape[0], channels: toSpace ? output.shape[1] : input.shape[1],
      height: toSpace ? input.shape[2] : output.shape[2], width: toSpace ? input.shape[3] : output.shape[3],
      block: block, channelsFirst: context.node.string("mode") == "CRD")
    guard let size = input.type.byteWidth else { throw .unsupported("elements of type \(input.type)") }
    switch size {
    case 1: return make(blocks, toSpace, UInt8.self)
    case 2: return make(blocks, toSpace, UInt16.self)
    case 4: return make(blocks, toSpace, UInt32.self)
    case 8: return make(blocks, toSpace, UInt64.self)
    default: throw .unsupported("elements of type \(input.type)")
    }
  }

  private func make<T: BitwiseCopyable & Sendable>(_ blocks: SpaceBlocks, _ toSpace: Bool, _: T.Type) -> Kernel {
    Kernel { arguments throws(KernelError) in
      if toSpace {
        blocks.depthToSpace(arguments.input(0, as: T.self), arguments.output(0), arguments.workers)
      } else {
        blocks.spaceToDepth(arguments.input(0, as: T.self), arguments.output(0), arguments.workers)
      }
    }
  }

  /// Moving back is the gradient of moving.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let reverse = context.node.opType == "DepthToSpace" ? "SpaceToDepth" : "DepthToSpace"
    // Here, unlike in ONNX, either may have a mode.
    context.accumulate(context.emit(OperatorName(reverse), gradient, attributes: context.node.attributes), to: 0)
  }
}
