import IR
import Kernels

extension BiasAdd {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let y = try context.output().shape
      var shapes: [[Int]] = []
      for input in 0..<3 { shapes.append(try context.input(input).shape) }
      try context.checkOneType([0, 1, 2])
      let broadcast = try Broadcast(checked: shapes, to: y)
      let steps = broadcast.rowStrides
      return Kernel { arguments throws(KernelError) in
        let (x, bias): (UnsafePointer<T>, UnsafePointer<T>) = (arguments.input(0), arguments.input(1))
        let residual: UnsafePointer<T> = arguments.input(2)
        let result: UnsafeMutablePointer<T> = arguments.output(0)
        broadcast.forEachRow(arguments.workers, grain: 32_768) { starts, output, count in
          Rows.add(
            x + starts[0], steps[0], bias + starts[1], steps[1], residual + starts[2], steps[2], result + output, count)
        }
      }
    }
    return try make(context.real(0))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let above = context.gradient() else { return }
    let shape = try context.outputShape()
    for input in 0..<3 where context.wants(input) { try context.accumulate(broadcast: above, of: shape, to: input) }
  }
}
