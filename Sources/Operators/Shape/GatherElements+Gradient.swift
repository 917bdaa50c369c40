import Dimensions
import IR
import Kernels

extension GatherElements {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try context.accumulateGathered(by: .own("GatherElementsGradient"))
  }
}

/// Sums elements into the places of a zero tensor they were gathered from.
public struct GatherElementsGradient: GatheredGradient {
  public let names = [OperatorName.own("GatherElementsGradient")]

  public init() {}

  func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
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
