import IR
import Kernels

extension Concat {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try context.checkOneType(context.inputs.indices)
    let output = try context.output()
    let axis = try context.axis(try Self.knownAxis(context), rank: output.rank)
    let strides = StridedCopy.strides(output.shape)
    var copies: [(input: Int, copy: StridedCopy)] = []
    var start = 0
    for (index, operand) in context.inputs.enumerated() {
      guard let operand else { continue }
      var rest = operand.shape
      if rest.count == output.rank, rest.indices.contains(axis) { rest[axis] = output.shape[axis] }
      guard rest.indices.contains(axis), rest == output.shape else {
        throw .invalid("an input of shape \(operand.shape) is no part of an output of shape \(output.shape)")
      }
      copies.append(
        (
          index,
          StridedCopy(
            shape: operand.shape, source: StridedCopy.strides(operand.shape), target: strides,
            targetOffset: start * strides[axis], elementBytes: try Moving.width(operand))
        ))
      start += operand.shape[axis]
    }
    guard start == output.shape[axis] else {
      throw .invalid("its inputs have \(start) elements along axis \(axis), its output \(output.shape[axis])")
    }
    return Kernel { [copies] arguments throws(KernelError) in
      for (input, copy) in copies { copy(arguments.rawInput(input), arguments.rawOutput(0), arguments.workers) }
    }
  }

  private static func knownAxis(_ context: KernelContext) throws(KernelError) -> Int64 {
    do { return try axis(context.node, opset: context.opset) } catch { throw .invalid(error.message) }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let rank = try context.outputShape().count
    let attribute = Int(try Self.axis(context.node, opset: context.opset))
    let axis = attribute < 0 ? attribute + rank : attribute
    var start = 0
    for input in context.node.inputs.indices where context.has(input) {
      let size = try context.shape(input)[axis]
      if context.wants(input) {
        context.accumulate(SliceRange.emit(&context, gradient, axis: axis, start: start, size: size), to: input)
      }
      start += size
    }
  }
}

/// `size` elements from `start` on along an axis. Attributes `axis`, `start`, `size`.
public struct SliceRange: OwnOperator {
  public let names = [OperatorName.own("SliceRange")]

  public init() {}

  static func emit(
    _ context: inout GradientContext, _ value: ValueID, axis: Int, start: Int, size: Int
  ) -> ValueID {
    context.emit(
      .own("SliceRange"), value,
      attributes: [
        Attribute(name: "axis", value: .int(Int64(axis))), Attribute(name: "start", value: .int(Int64(start))),
        Attribute(name: "size", value: .int(Int64(size))),
      ])
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return }
    shape[try context.axis(context.node.int("axis", default: 0), rank: shape.count)] = .known(
      Int(context.node.int("size", default: 0)))
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let axis = try context.axis(context.node.int("axis", default: 0), rank: input.rank)
    let strides = StridedCopy.strides(input.shape)
    return Moving.kernel(
      StridedCopy(
        shape: output.shape, source: strides, sourceOffset: Int(context.node.int("start", default: 0)) * strides[axis],
        elementBytes: try Moving.width(input)))
  }
}
