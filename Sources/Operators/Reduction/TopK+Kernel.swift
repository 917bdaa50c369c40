import Dimensions
import IR
import Kernels

extension TopK {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let axis = try context.axis(context.node.int("axis", default: -1), rank: input.rank)
    guard let shape = context.outputs.compactMap({ $0 }).first?.shape, shape.count == input.rank else { throw .invalid("its output has another rank than its input") }
    guard shape[axis] <= input.shape[axis] else {
      throw .invalid("\(shape[axis]) elements are asked of \(input.shape[axis])")
    }
    let loops = AxisLoops(shape: input.shape, axis: axis)
    if KernelContext.isReal(input.type) {
      return Self.kernel(loops, shape[axis], context, try context.real(0))
    }
    return Self.kernel(loops, shape[axis], context, try KernelContext.integer(input.type))
  }

  private static func kernel<T: BitwiseCopyable & Comparable & Sendable>(
    _ loops: AxisLoops, _ count: Int, _ context: KernelContext, _: T.Type
  ) -> Kernel {
    let isGreatest = context.node.int("largest", default: 1) != 0
    let (hasValues, hasPositions) = (context.hasOutput(0), context.hasOutput(1))
    return Kernel { arguments throws(KernelError) in
      loops.top(
        count, arguments.input(0, as: T.self), hasValues ? arguments.output(0) : nil,
        hasPositions ? arguments.output(1) : nil, isGreatest: isGreatest, workers: arguments.workers)
    }
  }

  public func outputShapes(_ context: KernelContext) throws(KernelError) -> [[Int]]? {
    guard let count = try context.ints(1)?.first else { return nil }
    var shape = try context.input(0).shape
    let axis = try context.axis(context.node.int("axis", default: -1), rank: shape.count)
    guard count >= 0, count <= shape[axis] else { throw .invalid("\(count) elements are asked of \(shape[axis])") }
    shape[axis] = count
    return [shape, shape]
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    guard let positions = context.node.output(1) else { throw OperatorError("TopK without positions has no gradient") }
    let shape = try context.shape(0)
    let attribute = context.node.int("axis", default: -1)
    let axis = attribute < 0 ? attribute + Int64(shape.count) : attribute
    let gradient = context.emit(
      .own("TopKGradient"), g, positions, context.vector(shape),
      attributes: [Attribute(name: "axis", value: .int(axis))])
    context.accumulate(gradient, to: 0)
  }
}

/// The gradient of `TopK`: puts every gradient where its element was; inputs are the gradient, the positions, and the
/// shape of the tensor chosen from.
public struct TopKGradient: OwnOperator {
  public let names = [OperatorName.own("TopKGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(2).knownInts?.map { Size.known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (gradient, output) = (try context.input(0), try context.output())
    let axis = try context.axis(context.node.int("axis", default: 0), rank: output.rank)
    return Self.kernel(AxisLoops(shape: output.shape, axis: axis), gradient.shape[axis], try context.real(0))
  }

  private static func kernel<T: Real>(_ loops: AxisLoops, _ count: Int, _: T.Type) -> Kernel {
    Kernel { arguments throws(KernelError) in
      loops.scatter(
        arguments.input(0, as: T.self), arguments.input(1), count: count, arguments.output(0),
        workers: arguments.workers)
    }
  }
}
