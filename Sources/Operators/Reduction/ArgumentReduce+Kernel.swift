import IR
import Kernels

extension ArgumentReduce {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let axis = try context.axis(context.node.int("axis", default: 0), rank: input.rank)
    let loops = AxisLoops(shape: input.shape, axis: axis)
    if KernelContext.isReal(input.type) { return Self.kernel(loops, context.node, try context.real(0)) }
    return Self.kernel(loops, context.node, try KernelContext.integer(input.type))
  }

  private static func kernel<T: BitwiseCopyable & Comparable & Sendable>(
    _ loops: AxisLoops, _ node: Node, _: T.Type
  ) -> Kernel {
    let isGreatest = node.opType == "ArgMax"
    let takesLast = node.int("select_last_index", default: 0) != 0
    return Kernel { arguments throws(KernelError) in
      loops.extremum(
        arguments.input(0, as: T.self), arguments.output(0), isGreatest: isGreatest, takesLast: takesLast,
        workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {}
}
