import IR
import Kernels

extension Split {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let axis = try context.axis(context.node.int("axis", default: 0), rank: input.rank)
    let strides = StridedCopy.strides(input.shape)
    var copies: [(output: Int, copy: StridedCopy)] = []
    var start = 0
    guard input.shape.indices.contains(axis) else { throw .invalid("its input has no axes") }
    let given = try context.ints(input: 1, orAttribute: "split")
    let sizes = given ?? Self.evenSizes(total: input.shape[axis], parts: context.outputs.count)
    guard sizes.count == context.outputs.count else {
      throw .invalid("it has \(context.outputs.count) outputs and \(sizes.count) sizes")
    }
    for (index, (operand, size)) in zip(context.outputs, sizes).enumerated() {
      guard size >= 0, size <= input.shape[axis] - start else {
        throw .invalid("its parts \(sizes) do not fit into axis \(axis) of a tensor of shape \(input.shape)")
      }
      if let operand {
        var part = input.shape
        part[axis] = size
        guard operand.shape == part else {
          throw .invalid("output \(index) has shape \(operand.shape), its part of the input \(part)")
        }
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
    let given = try context.has(1) ? context.ints(1) : context.node.ints("split")?.map { Int($0) }
    let sizes = given ?? Self.evenSizes(total: shape[axis], parts: context.node.outputs.count)
    var start = 0
    var parts: [(gradient: ValueID, start: Int)] = []
    // An output that is left out takes its part of the input all the same.
    for (output, size) in zip(context.node.outputs.indices, sizes) {
      if let gradient = context.gradient(output) { parts.append((gradient, start)) }
      start += size
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
