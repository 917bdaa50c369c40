import Dimensions
import IR
import Kernels

/// Sums the first input over the axes along which a tensor of the shape given by the second was repeated when it was
/// broadcast: the gradient of broadcasting.
public struct SumTo: OwnOperator {
  public let names = [OperatorName.own("SumTo")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = context.facts(1).knownInts?.map { Size.known($0) }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (shape, target) = (try context.input(0).shape, try context.output().shape)
    guard target.count <= shape.count else { throw .invalid("a sum has no more axes than its terms") }
    let missing = shape.count - target.count
    let axes = shape.indices.filter { axis in
      axis < missing || (target[axis - missing] == 1 && shape[axis] != 1)
    }
    if axes.allSatisfy({ shape[$0] == 1 }) { return .view }
    let reduction = Reduction(shape: shape, reducing: Set(axes))
    return Reduce.kernel(reduction, .sum, .none, try context.real(0))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    context.accumulate(context.emit(.own("BroadcastTo"), g, context.vector(try context.shape(0))), to: 0)
  }
}
