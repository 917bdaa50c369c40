import IR
import Kernels

extension RangeOperator {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    let count = output.count
    switch output.type {
    case .float: return run(Float.self, count) { $0 + Float($1) * $2 }
    case .double: return run(Double.self, count) { $0 + Double($1) * $2 }
    case .int16: return run(Int16.self, count) { $0 &+ Int16(truncatingIfNeeded: $1) &* $2 }
    case .int32: return run(Int32.self, count) { $0 &+ Int32(truncatingIfNeeded: $1) &* $2 }
    case .int64: return run(Int64.self, count) { $0 &+ Int64($1) &* $2 }
    default: throw .unsupported("a range of type \(output.type)")
    }
  }

  private func run<T: BitwiseCopyable & Sendable>(
    _: T.Type, _ count: Int, _ element: @escaping @Sendable (T, Int, T) -> T
  ) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let (start, step) = (arguments.input(0, as: T.self)[0], arguments.input(2, as: T.self)[0])
      let target = arguments.output(0, as: T.self)
      for index in 0..<count { target[index] = element(start, index, step) }
    }
  }

  public func outputShapes(_ context: KernelContext) throws(KernelError) -> [[Int]]? {
    guard let start = try context.doubles(0)?.first, let limit = try context.doubles(1)?.first,
      let step = try context.doubles(2)?.first, step != 0
    else { throw .invalid("its step is zero or missing") }
    let count = ((limit - start) / step).rounded(.up)
    guard count < 0x1p40 else { throw .invalid("it counts from \(start) to \(limit) by \(step)") }
    return [[Int(max(0, count))]]
  }
}
