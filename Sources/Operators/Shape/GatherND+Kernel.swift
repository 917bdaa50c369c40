import IR
import Kernels

extension GatherND {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let data = try context.input(0)
    let slices = try Slices(data.shape, try context.input(1), batch: context.node.int("batch_dims", default: 0))
    let unit = try Moving.width(data)
    return Kernel { arguments throws(KernelError) in
      let (source, target, list) = (arguments.rawInput(0), arguments.rawOutput(0), arguments.rawInput(1))
      for position in 0..<slices.count {
        (target + position * slices.run * unit).copyMemory(
          from: source + (try slices.start(position, list)) * unit, byteCount: slices.run * unit)
      }
    }
  }
}
