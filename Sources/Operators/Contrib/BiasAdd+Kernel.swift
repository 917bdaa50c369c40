import IR
import Kernels

extension BiasAdd {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let y = try context.output().shape
      var shapes: [[Int]] = []
      for input in 0..<3 { shapes.append(try context.input(input).shape) }
      try context.checkOneType([0, 1, 2])
      let layout = try BroadcastStrides(shapes, to: y)
      return Kernel { arguments throws(KernelError) in
        let (x, bias): (UnsafePointer<T>, UnsafePointer<T>) = (arguments.input(0), arguments.input(1))
        let residual: UnsafePointer<T> = arguments.input(2)
        let result: UnsafeMutablePointer<T> = arguments.output(0)
        layout.forEachRow(arguments.workers) { row in
          Rows.add(
            x + layout.start(0, row: row), layout.steps[0], bias + layout.start(1, row: row), layout.steps[1],
            residual + layout.start(2, row: row), layout.steps[2], result + row * layout.width, layout.width)
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
