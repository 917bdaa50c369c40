import Dimensions
import IR
import Kernels

/// Leads a gradient through a product: inputs are its factors, and the gradient that reached it with its reduced axes
/// in place. Each factor gets the product of the others, which no division by it would find where it is zero.
public struct ReduceProdGradient: OwnOperator {
  public let names = [OperatorName.own("ReduceProdGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (x, g) = (try context.input(0), try context.input(1))
    guard x.rank == g.rank, x.type == g.type, zip(x.shape, g.shape).allSatisfy({ $1 == $0 || $1 == 1 }) else {
      throw .invalid("a gradient \(g.type) \(g.shape) does not fit factors \(x.type) \(x.shape)")
    }
    let real = try context.real(0)
    return Self.kernel(OthersProduct(shape: x.shape, reduced: g.shape), real)
  }

  private static func kernel<T: Real>(_ product: OthersProduct, _: T.Type) -> Kernel {
    Kernel(scratchBytes: product.results * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      product(
        arguments.input(0, as: T.self), arguments.input(1, as: T.self), arguments.output(0, as: T.self),
        running: arguments.scratch.assumingMemoryBound(to: T.self))
    }
  }
}
