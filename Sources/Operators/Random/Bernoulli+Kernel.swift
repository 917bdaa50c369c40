import IR
import Kernels

extension Bernoulli {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (real, output) = (try context.real(0), try context.output())
    if KernelContext.isReal(output.type) {
      let type = try KernelContext.real(output.type)
      return Self.kernel(real, type, output.count, context.node)
    }
    let type = try KernelContext.integer(output.type)
    return Self.kernel(real, type, output.count, context.node)
  }

  private static func kernel<T: Real, Result: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _: T.Type, _: Result.Type, _ count: Int, _ node: Node
  ) -> Kernel {
    let numbers = RandomNumbers(node)
    return Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: Result.self))
      arguments.workers.forEachRange(of: count, grain: 8192) { range in
        for index in range { y[index] = numbers.uniform(index) < Double(x[index]) ? 1 : 0 }
      }
    }
  }
}
