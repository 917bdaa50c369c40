import IR
import Kernels

/// Matrix products of integers, which wrap around as ONNX's references do.
enum WrappingProduct {
  static func kernel(
    _ type: DataType, _ offsets: [(a: Int, b: Int)], _ rows: Int, _ inner: Int, _ columns: Int, _ transposeA: Bool,
    _ transposeB: Bool
  ) throws(KernelError) -> Kernel {
    switch type {
    case .int32: run(Int32.self, offsets, rows, inner, columns, transposeA, transposeB)
    case .int64: run(Int64.self, offsets, rows, inner, columns, transposeA, transposeB)
    case .uint32: run(UInt32.self, offsets, rows, inner, columns, transposeA, transposeB)
    case .uint64: run(UInt64.self, offsets, rows, inner, columns, transposeA, transposeB)
    default: throw .unsupported("a matrix product of type \(type)")
    }
  }

  private static func run<T: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _: T.Type, _ offsets: [(a: Int, b: Int)], _ rows: Int, _ inner: Int, _ columns: Int, _ transposeA: Bool,
    _ transposeB: Bool
  ) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let (a, b) = (arguments.input(0, as: T.self), arguments.input(1, as: T.self))
      let c = arguments.output(0, as: T.self)
      for (index, offset) in offsets.enumerated() {
        for row in 0..<rows {
          for column in 0..<columns {
            var sum: T = 0
            for k in 0..<inner {
              let x = a[offset.a + (transposeA ? k * rows + row : row * inner + k)]
              let y = b[offset.b + (transposeB ? column * inner + k : k * columns + column)]
              sum &+= x &* y
            }
            c[(index * rows + row) * columns + column] = sum
          }
        }
      }
    }
  }
}
