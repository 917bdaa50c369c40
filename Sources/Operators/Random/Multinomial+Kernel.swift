import Glibc
import IR
import Kernels

extension Multinomial {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.rank == 2, input.shape[1] > 0, output.rank == 2 else {
      throw .invalid("weights of shape \(input.shape) where [batch, classes] is expected")
    }
    let (rows, classes, samples) = (input.shape[0], input.shape[1], output.shape[1])
    let real = try context.real(0)
    switch output.type {
    case .int32: return Self.kernel(real, Int32.self, rows, classes, samples, context.node)
    case .int64: return Self.kernel(real, Int64.self, rows, classes, samples, context.node)
    default: throw .unsupported("classes of type \(output.type)")
    }
  }

  private static func kernel<T: Real, Result: IntegerElement>(
    _: T.Type, _: Result.Type, _ rows: Int, _ classes: Int, _ samples: Int, _ node: Node
  ) -> Kernel {
    let numbers = RandomNumbers(node)
    return Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: Result.self))
      for row in 0..<rows {
        let line = UnsafeBufferPointer(start: x + row * classes, count: classes)
        let largest = Double(line.max() ?? 0)
        var total = 0.0
        let sums = line.map { weight -> Double in
          total += exp(Double(weight) - largest)
          return total
        }
        for sample in 0..<samples {
          let place = numbers.uniform(row * samples + sample) * total
          y[row * samples + sample] = Result(truncatingIfNeeded: sums.firstIndex { place < $0 } ?? classes - 1)
        }
      }
    }
  }
}
