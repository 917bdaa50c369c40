import IR
import Kernels

extension CenterCropPad {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.rank == output.rank else { throw .invalid("it makes \(output.rank) axes of \(input.rank)") }
    let width = try Moving.width(input)
    let (strides, targets) = (StridedCopy.strides(input.shape), StridedCopy.strides(output.shape))
    var (offset, targetOffset) = (0, 0)
    for axis in input.shape.indices {
      // An odd element more goes or comes at the end.
      let difference = output.shape[axis] - input.shape[axis]
      if difference < 0 { offset += -difference / 2 * strides[axis] }
      if difference > 0 { targetOffset += difference / 2 * targets[axis] }
    }
    let copy = StridedCopy(
      shape: zip(input.shape, output.shape).map { min($0, $1) }, source: strides, sourceOffset: offset,
      target: targets, targetOffset: targetOffset, elementBytes: width)
    let bytes = output.count * width
    return Kernel { arguments throws(KernelError) in
      arguments.rawOutput(0).initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      copy(arguments.rawInput(0), arguments.rawOutput(0), arguments.workers)
    }
  }
}
