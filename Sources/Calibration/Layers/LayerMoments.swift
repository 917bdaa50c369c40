import Kernels

/// Sums over rows of what a linear layer multiplies, x, and what it should make of it, y: Σx·xᵀ, Σy·xᵀ, Σx, Σy, Σy².
///
/// A convolution in groups has separate ones for each.
struct LayerMoments {
  let groups: Int
  /// Columns and rows of one group's matrix.
  let columns: Int
  let rows: Int
  private(set) var count = 0
  private(set) var inputSums: [Double]
  private(set) var outputSums: [Double]
  private(set) var outputSquares: [Double]
  private(set) var inputs: [SymmetricMatrix]
  /// Row-major, `rows` × `columns`.
  private(set) var products: [[Double]]

  /// - Parameter rows: 0 where only the inputs matter.
  init(groups: Int, columns: Int, rows: Int) {
    self.groups = groups
    self.columns = columns
    self.rows = rows
    inputSums = [Double](repeating: 0, count: groups * columns)
    outputSums = [Double](repeating: 0, count: groups * rows)
    outputSquares = outputSums
    inputs = (0..<groups).map { _ in SymmetricMatrix(size: columns) }
    products = (0..<groups).map { _ in [Double](repeating: 0, count: rows * columns) }
  }

  /// Bytes the sums take.
  static func byteCount(groups: Int, columns: Int, rows: Int) -> Int { groups * columns * (columns + rows) * 8 }

  /// - Parameters:
  ///   - x: lines of `groups · columns` numbers.
  ///   - y: as many lines of `groups · rows` numbers.
  mutating func add(_ x: [Float], _ y: [Float], workers: Workers) throws(BLASError) {
    let (width, height) = (groups * columns, groups * rows)
    let lines = width == 0 ? 0 : x.count / width
    count += lines
    Self.addSums(of: x, width: width, to: &inputSums)
    if rows > 0 {
      Self.addSums(of: y, width: height, to: &outputSums)
      Self.addSquares(of: y, width: height, to: &outputSquares)
    }
    _ = try BLAS.shared()
    for group in 0..<groups {
      try x.withUnsafeBufferPointer { (x) throws(BLASError) in
        guard let start = x.baseAddress else { return }
        let own = MomentProducts.Columns(start + group * columns, stride: width, count: columns)
        try inputs[group].elements.withUnsafeMutableBufferPointer { (sums) throws(BLASError) in
          guard let sums = sums.baseAddress else { return }
          try MomentProducts.add(own, own, rows: lines, isUpper: true, to: sums, workers: workers)
        }
        try y.withUnsafeBufferPointer { (y) throws(BLASError) in
          guard let start = y.baseAddress, rows > 0 else { return }
          let other = MomentProducts.Columns(start + group * rows, stride: height, count: rows)
          try products[group].withUnsafeMutableBufferPointer { (sums) throws(BLASError) in
            guard let sums = sums.baseAddress else { return }
            try MomentProducts.add(other, own, rows: lines, isUpper: false, to: sums, workers: workers)
          }
        }
      }
    }
  }

  private static func addSums(of lines: [Float], width: Int, to sums: inout [Double]) {
    lines.withUnsafeBufferPointer { lines in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: lines.count, by: max(1, width)) {
          for column in 0..<width { sums[column] += Double(lines[start + column]) }
        }
      }
    }
  }

  private static func addSquares(of lines: [Float], width: Int, to sums: inout [Double]) {
    lines.withUnsafeBufferPointer { lines in
      sums.withUnsafeMutableBufferPointer { sums in
        for start in stride(from: 0, to: lines.count, by: max(1, width)) {
          for column in 0..<width {
            let value = Double(lines[start + column])
            sums[column] += value * value
          }
        }
      }
    }
  }
}
