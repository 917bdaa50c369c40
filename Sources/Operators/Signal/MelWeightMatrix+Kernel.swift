import Glibc
import IR
import Kernels

extension MelWeightMatrix {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    guard output.rank == 2, let length = try context.ints(1)?.first, let rate = try context.ints(2)?.first, rate > 0,
      let low = try context.doubles(3)?.first, let high = try context.doubles(4)?.first, low.isFinite, high.isFinite
    else { throw .invalid("it needs a length, a positive rate and two finite frequencies") }
    let edges = Self.edges(
      bands: output.shape[1], length: Double(length), rate: Double(rate), from: low, to: high,
      limit: output.shape[0])
    let real = try KernelContext.real(output.type)
    return Self.kernel(real, rows: output.shape[0], columns: output.shape[1], edges)
  }

  /// Where each band starts, as rows of the spectrum; its middle and its end are where the next ones start.
  private static func edges(
    bands: Int, length: Double, rate: Double, from low: Double, to high: Double, limit: Int
  ) -> [Int] {
    func mel(_ frequency: Double) -> Double { 2595 * log10(1 + max(frequency, 0) / 700) }
    let step = (mel(high) - mel(low)) / Double(bands + 2)
    return (0..<(bands + 2)).map { index in
      let frequency = 700 * (pow(10, (mel(low) + Double(index) * step) / 2595) - 1)
      let row = ((length + 1) * frequency / rate).rounded(.down)
      return Int(min(max(row, 0), Double(limit)))
    }
  }

  private static func kernel<T: Real>(_: T.Type, rows: Int, columns: Int, _ edges: [Int]) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      y.update(repeating: 0, count: rows * columns)
      for band in 0..<columns {
        let (start, middle, end) = (edges[band], edges[band + 1], edges[band + 2])
        for row in stride(from: start, through: min(middle, rows - 1), by: 1) {
          y[row * columns + band] = middle == start ? 1 : T(row - start) / T(middle - start)
        }
        for row in stride(from: middle, to: min(end, rows), by: 1) {
          y[row * columns + band] = T(end - row) / T(end - middle)
        }
      }
    }
  }
}
