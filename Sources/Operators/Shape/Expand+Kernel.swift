import IR
import Kernels

extension Expand {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try Moving.broadcast(context) }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    try context.accumulate(broadcast: gradient, of: try context.outputShape(), to: 0)
  }
}

extension Tile {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let strides = StridedCopy.strides(input.shape)
    var (shape, source): ([Int], [Int]) = ([], [])
    for axis in input.shape.indices {
      let size = input.shape[axis]
      shape += [size == 0 ? 0 : output.shape[axis] / size, size]
      source += [0, strides[axis]]
    }
    return Moving.kernel(StridedCopy(shape: shape, source: source, elementBytes: try Moving.width(input)))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let (shape, output) = (try context.shape(0), try context.outputShape())
    var (split, summed): ([Int], [Int]) = ([], [])
    for axis in shape.indices {
      split += [shape[axis] == 0 ? 0 : output[axis] / shape[axis], shape[axis]]
      summed += [1, shape[axis]]
    }
    let apart = context.emit(.own("ReshapeTo"), gradient, context.vector(split))
    let sum = context.emit(.own("SumTo"), apart, context.vector(summed))
    context.accumulate(context.emit(.own("ReshapeTo"), sum, context.vector(shape)), to: 0)
  }
}
