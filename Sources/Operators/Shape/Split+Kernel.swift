import IR
import Kernels

extension Split {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let axis = try context.axis(context.node.int("axis", default: 0), rank: input.rank)
    let strides = StridedCopy.strides(input.shape)
    var copies: [(output: Int, copy: StridedCopy)] = []
    var start = 0
    let sizes = try context.ints(input: 1, orAttribute: "split")
    for (index, operand) in context.outputs.enumerated() {
      let size = operand?.shape[axis] ?? (sizes.flatMap { index < $0.count ? $0[index] : nil } ?? 0)
      if let operand {
        copies.append(
          (
            index,
            StridedCopy(
              shape: operand.shape, source: strides, sourceOffset: start * strides[axis],
              elementBytes: try Moving.width(input))
          ))
      }
      start += size
    }
    return Kernel { [copies] arguments throws(KernelError) in
      for (output, copy) in copies { copy(arguments.rawInput(0), arguments.rawOutput(output), arguments.workers) }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    let shape = try context.shape(0)
    let attribute = Int(context.node.int("axis", default: 0))
    let axis = attribute < 0 ? attribute + shape.count : attribute
    var start = 0
    var parts: [(gradient: ValueID, start: Int)] = []
    for output in context.node.outputs.indices where context.node.output(output) != nil {
      if let gradient = context.gradient(output) { parts.append((gradient, start)) }
      start += try context.outputShape(output)[axis]
    }
    if parts.count == context.node.outputs.count {
      let whole = context.emit(
        OperatorName("Concat"), parts.map { Optional($0.gradient) }, outputs: 1,
        attributes: [Attribute(name: "axis", value: .int(Int64(axis)))])[0]
      return context.accumulate(whole, to: 0)
    }
    for part in parts {
      var starts = [Int](repeating: 0, count: shape.count)
      starts[axis] = part.start
      context.accumulate(
        ScatterStrided.emit(
          &context, part.gradient, shape: shape, starts: starts, steps: [Int](repeating: 1, count: shape.count)), to: 0)
    }
  }
}
