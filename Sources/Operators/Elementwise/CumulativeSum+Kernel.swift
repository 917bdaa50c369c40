import IR
import Kernels

extension CumulativeSum {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    guard let given = try context.ints(1)?.first else { throw .invalid("it lacks an axis") }
    let loops = AxisLoops(shape: input.shape, axis: try context.axis(Int64(given), rank: input.rank))
    let isProduct = context.node.opType == "CumProd"
    let isExclusive = context.node.int("exclusive", default: 0) != 0
    let isReversed = context.node.int("reverse", default: 0) != 0
    let running = Running(loops: loops, isProduct: isProduct, isExclusive: isExclusive, isReversed: isReversed)
    if KernelContext.isReal(input.type) { return running.kernel(try context.real(0)) }
    return running.integerKernel(try KernelContext.integer(input.type))
  }

  private struct Running: Sendable {
    let loops: AxisLoops
    let isProduct: Bool
    let isExclusive: Bool
    let isReversed: Bool

    func kernel<T: Real>(_: T.Type) -> Kernel {
      Kernel { arguments throws(KernelError) in
        let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
        loops.accumulate(
          x, y, start: isProduct ? 1 : 0, isExclusive: isExclusive, isReversed: isReversed, workers: arguments.workers
        ) { isProduct ? $0 * $1 : $0 + $1 }
      }
    }

    func integerKernel<T: IntegerElement>(_: T.Type) -> Kernel {
      Kernel { arguments throws(KernelError) in
        let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
        loops.accumulate(
          x, y, start: isProduct ? 1 : 0, isExclusive: isExclusive, isReversed: isReversed, workers: arguments.workers
        ) { isProduct ? $0 &* $1 : $0 &+ $1 }
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.node.opType == "CumSum" else { throw OperatorError("\(context.node.opType) has no gradient") }
    guard let g = context.gradient() else { return }
    // Every element went into the sums from it on: the gradient is summed the other way.
    let isReversed = context.node.int("reverse", default: 0) != 0
    let attributes = [
      Attribute(name: "exclusive", value: .int(context.node.int("exclusive", default: 0))),
      Attribute(name: "reverse", value: .int(isReversed ? 0 : 1)),
    ]
    context.accumulate(context.emit(OperatorName("CumSum"), g, context.node.input(1), attributes: attributes), to: 0)
  }
}
