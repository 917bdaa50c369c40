/// Means over rows of what a linear layer multiplies, x, and what it makes of it, y.
struct LayerMeans {
  private var inputSums: [Double]
  private var outputSums: [Double]
  private var count = 0

  /// - Parameters:
  ///   - columns: numbers of a row of x.
  ///   - rows: numbers of a row of y.
  init(columns: Int, rows: Int) {
    inputSums = [Double](repeating: 0, count: columns)
    outputSums = [Double](repeating: 0, count: rows)
  }

  /// - Parameters:
  ///   - x: rows one after the other.
  ///   - y: as many rows.
  mutating func add(_ x: [Float], _ y: [Float]) {
    guard !inputSums.isEmpty else { return }
    count += x.count / inputSums.count
    Self.add(x, to: &inputSums)
    Self.add(y, to: &outputSums)
  }

  /// E[x].
  var inputs: [Double] { inputSums.map { $0 / Double(max(1, count)) } }

  /// E[y].
  var outputs: [Double] { outputSums.map { $0 / Double(max(1, count)) } }

  /// E[y] − W·E[x]: what has to be added to a matrix's products so that their means are those of y.
  /// - Parameter matrices: row-major, one for each group of columns and rows.
  func shifts(_ matrices: [[Double]]) -> [Double] {
    let (x, y) = (inputs, outputs)
    let columns = x.count / max(1, matrices.count)
    let rows = y.count / max(1, matrices.count)
    return y.indices.map { index in
      let (group, row) = (index / rows, index % rows)
      let products = (0..<columns).map { matrices[group][row * columns + $0] * x[group * columns + $0] }
      return y[index] - products.reduce(0, +)
    }
  }

  private static func add(_ lines: [Float], to sums: inout [Double]) {
    let width = max(1, sums.count)
    lines.withUnsafeBufferPointer { lines in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: lines.count, by: width) {
          for column in sums.indices { sums[column] += Double(lines[start + column]) }
        }
      }
    }
  }
}
