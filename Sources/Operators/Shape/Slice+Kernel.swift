import IR
import Kernels

extension Slice {
  /// Where a slice starts along every axis of the input, and how far its steps go.
  struct Steps {
    var starts: [Int]
    var steps: [Int]

    /// `nil` where the lists do not belong together.
    init?(_ shape: [Int], starts: [Int], axes: [Int]?, steps: [Int]?) {
      guard axes?.count ?? starts.count == starts.count, steps?.count ?? starts.count == starts.count,
        steps?.contains(0) != true
      else { return nil }
      self.starts = [Int](repeating: 0, count: shape.count)
      self.steps = [Int](repeating: 1, count: shape.count)
      for (position, start) in starts.enumerated() {
        let given = axes.map { $0[position] } ?? position
        let axis = given < 0 ? given + shape.count : given
        guard shape.indices.contains(axis) else { continue }
        let size = shape[axis]
        // A step beyond the axis takes one element, whatever it is.
        let step = min(max(steps.map { $0[position] } ?? 1, -max(size, 1)), max(size, 1))
        let absolute = start < 0 ? start + size : start
        self.starts[axis] = step > 0 ? min(max(absolute, 0), size) : min(max(absolute, 0), size - 1)
        self.steps[axis] = step
      }
    }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let isAttribute = context.node.inputs.count < 2
    let starts = try isAttribute ? context.node.ints("starts")?.map { Int($0) } : context.ints(1)
    let axes = try isAttribute ? context.node.ints("axes")?.map { Int($0) } : context.ints(3)
    let given = try isAttribute ? nil : context.ints(4)
    guard let starts, let steps = Steps(input.shape, starts: starts, axes: axes, steps: given) else {
      throw .invalid("starts, axes and steps do not belong together")
    }
    let strides = StridedCopy.strides(input.shape)
    let offset = zip(steps.starts, strides).reduce(0) { $0 + $1.0 * $1.1 }
    return Moving.kernel(
      StridedCopy(
        shape: output.shape, source: zip(strides, steps.steps).map { $0 * $1 },
        sourceOffset: output.count > 0 ? offset : 0,
        elementBytes: try Moving.width(input)))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let shape = try context.shape(0)
    let isAttribute = context.node.inputs.count < 2
    let starts = try isAttribute ? context.node.ints("starts")?.map { Int($0) } : context.ints(1)
    let axes = try isAttribute ? context.node.ints("axes")?.map { Int($0) } : context.ints(3)
    guard let starts,
      let steps = Steps(shape, starts: starts, axes: axes, steps: try isAttribute ? nil : context.ints(4))
    else { throw OperatorError("its starts, axes and steps do not belong together") }
    context.accumulate(
      ScatterStrided.emit(&context, gradient, shape: shape, starts: steps.starts, steps: steps.steps), to: 0)
  }
}

/// Zeros of a shape with the input's elements at every `steps`-th place from `starts` on: the gradient of a slice.
/// Attributes `shape`, `starts`, `steps`.
public struct ScatterStrided: OwnOperator {
  public let names = [OperatorName.own("ScatterStrided")]

  public init() {}

  static func emit(
    _ context: inout GradientContext, _ value: ValueID, shape: [Int], starts: [Int], steps: [Int]
  ) -> ValueID {
    func ints(_ name: String, _ numbers: [Int]) -> Attribute {
      Attribute(name: name, value: .ints(numbers.map { Int64($0) }))
    }
    return context.emit(
      .own("ScatterStrided"), value, attributes: [ints("shape", shape), ints("starts", starts), ints("steps", steps)])
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.node.ints("shape")?.map { .known(Int($0)) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard let starts = context.node.ints("starts"), let steps = context.node.ints("steps") else {
      throw .invalid("it lacks starts or steps")
    }
    let strides = StridedCopy.strides(output.shape)
    let width = try Moving.width(input)
    let copy = StridedCopy(
      shape: input.shape, source: StridedCopy.strides(input.shape), target: zip(strides, steps).map { $0 * Int($1) },
      targetOffset: input.count > 0 ? zip(strides, starts).reduce(0) { $0 + $1.0 * Int($1.1) } : 0, elementBytes: width)
    let bytes = output.count * width
    return Kernel { arguments throws(KernelError) in
      let target = arguments.rawOutput(0)
      arguments.workers.forEachRange(of: bytes, grain: 1 << 18) { range in
        (target + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
      }
      copy(arguments.rawInput(0), target, arguments.workers)
    }
  }
}
