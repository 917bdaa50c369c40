import IR
import Kernels

extension EyeLike {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    guard output.rank == 2 else { throw .invalid("its input has \(output.rank) axes, expected 2") }
    let (rows, columns) = (output.shape[0], output.shape[1])
    // A diagonal outside of the matrix is the same wherever it is.
    let shift = Int(min(max(context.node.int("k", default: 0), Int64(-rows)), Int64(columns)))
    if KernelContext.isReal(output.type) {
      let type = try KernelContext.real(output.type)
      return Self.kernel(type, rows, columns, shift)
    }
    let type = try KernelContext.integer(output.type)
    return Self.kernel(type, rows, columns, shift)
  }

  private static func kernel<T: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    _: T.Type, _ rows: Int, _ columns: Int, _ shift: Int
  ) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      y.update(repeating: 0, count: rows * columns)
      for row in max(0, -shift)..<max(0, -shift, min(rows, columns - shift)) { y[row * columns + row + shift] = 1 }
    }
  }
}
