import Dimensions
import IR
import Kernels

extension GatherElements {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.wants(0), let gradient = context.gradient() else { return }
    context.accumulate(
      context.emit(
        .own("GatherElementsGradient"), gradient, context.node.input(1), context.vector(try context.shape(0)),
        attributes: [Attribute(name: "axis", value: .int(context.node.int("axis", default: 0)))]), to: 0)
  }
}

/// Sums elements into the places of a zero tensor they were gathered from. Inputs: gradient, indices, shape.
public struct GatherElementsGradient: OwnOperator {
  public let names = [OperatorName.own("GatherElementsGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(2).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch try context.output().type {
    case .float: try run(Float.self, context)
    case .double: try run(Double.self, context)
    default: throw .unsupported("a gradient of type \(try context.output().type)")
    }
  }

  private func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices) = (try context.output(), try context.input(1))
    let axis = try context.axis(context.node.int("axis", default: 0), rank: data.rank)
    guard ElementWalk.fits(indices.shape, in: data.shape, axis: axis) else {
      throw .invalid("indices of shape \(indices.shape) do not point into \(data.shape)")
    }
    let walk = ElementWalk(data.shape, indices: indices.shape, axis: axis)
    let (isWide, count, size, total) = (try Moving.isWide(indices), indices.count, data.shape[axis], data.count)
    return Kernel { arguments throws(KernelError) in
      let (gradient, target) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      target.update(repeating: 0, count: total)
      for position in 0..<count {
        let index = try Moving.index(arguments.rawInput(1), position, isWide: isWide, size: size)
        target[walk.base(position) + index * walk.step] += gradient[position]
      }
    }
  }
}
