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

  /// Sums of fewer rows take longer than copies of these; of more, products in single precision lose digits.
  static let pieceRows = 256

  private var inputSums: [Double]
  private var outputSums: [Double]
  private var outputSquares: [Double]
  private var inputs: [SymmetricMatrix]
  /// Row-major, `rows` × `columns`.
  private var products: [[Double]]
  /// What is taken off before anything is summed up, of columns that are far from zero for how much they vary: their
  /// products would have no digits left for the variance.
  private var inputOffsets: [Float] = []
  private var outputOffsets: [Float] = []

  /// - Parameter rows: 0 where only the inputs matter.
  init(groups: Int, columns: Int, rows: Int, workers: Workers = .one) {
    self.groups = groups
    self.columns = columns
    self.rows = rows
    inputSums = [Double](repeating: 0, count: groups * columns)
    outputSums = [Double](repeating: 0, count: groups * rows)
    outputSquares = outputSums
    inputs = (0..<groups).map { _ in SymmetricMatrix(size: columns, workers: workers) }
    products = (0..<groups).map { _ in workers.zeros(rows * columns) }
  }

  /// Bytes the sums take.
  static func byteCount(groups: Int, columns: Int, rows: Int) -> Int { groups * columns * (columns + rows) * 8 }

  /// - Parameters:
  ///   - x: lines of `groups · columns` numbers.
  ///   - y: as many lines of `groups · rows` numbers.
  mutating func add(_ x: [Float], _ y: [Float], workers: Workers) throws(BLASError) {
    let (width, height) = (groups * columns, groups * rows)
    if count == 0 {
      inputOffsets = Self.offsets(of: x, width: width, workers)
      outputOffsets = Self.offsets(of: y, width: height, workers)
    }
    let x = Self.shifted(x, by: inputOffsets, workers)
    let y = Self.shifted(y, by: outputOffsets, workers)
    let lines = width == 0 ? 0 : x.count / width
    count += lines
    ColumnSums.add(x, to: &inputSums, workers: workers)
    ColumnSums.add(y, to: &outputSums, workers: workers)
    ColumnSums.addSquares(of: y, to: &outputSquares, workers: workers)
    _ = try BLAS.shared()
    for group in 0..<groups {
      try x.withUnsafeBufferPointer { (x) throws(BLASError) in
        guard let start = x.baseAddress else { return }
        let own = MomentProducts.Columns(start + group * columns, stride: width, count: columns)
        try inputs[group].elements.withUnsafeMutableBufferPointer { (sums) throws(BLASError) in
          guard let sums = sums.baseAddress else { return }
          try MomentProducts.addSquare(of: own, rows: lines, to: sums, workers: workers)
        }
        try y.withUnsafeBufferPointer { (y) throws(BLASError) in
          guard let start = y.baseAddress, rows > 0 else { return }
          let other = MomentProducts.Columns(start + group * rows, stride: height, count: rows)
          try products[group].withUnsafeMutableBufferPointer { (sums) throws(BLASError) in
            guard let sums = sums.baseAddress else { return }
            try MomentProducts.add(other, own, rows: lines, to: sums, workers: workers)
          }
        }
      }
    }
  }

  /// The means of columns that are far from zero; zero for the others.
  private static func offsets(of lines: [Float], width: Int, _ workers: Workers) -> [Float] {
    guard width > 0, !lines.isEmpty else { return [] }
    var (sums, squares) = ([Double](repeating: 0, count: width), [Double](repeating: 0, count: width))
    ColumnSums.add(lines, to: &sums, workers: workers)
    ColumnSums.addSquares(of: lines, to: &squares, workers: workers)
    let count = Double(lines.count / width)
    return (0..<width).map { column in
      let mean = sums[column] / count
      return mean * mean > 16 * (squares[column] / count - mean * mean) ? Float(mean) : 0
    }
  }

  private static func shifted(_ lines: [Float], by offsets: [Float], _ workers: Workers) -> [Float] {
    guard offsets.contains(where: { $0 != 0 }) else { return lines }
    let width = offsets.count
    return [Float](unsafeUninitializedCapacity: lines.count) { shifted, count in
      nonisolated(unsafe) let shifted = shifted
      workers.forEachRange(of: lines.count / width, grain: 64) { rows in
        for row in rows {
          for column in 0..<width {
            shifted.initializeElement(
              at: row * width + column, to: lines[row * width + column] - offsets[column])
          }
        }
      }
      count = lines.count
    }
  }
}

// MARK: What comes of the sums

extension LayerMoments {
  private var divisor: Double { Double(max(1, count)) }

  /// E[x], of all groups one after the other.
  var inputMeans: [Double] { inputSums.indices.map { inputSums[$0] / divisor + Double(offset($0, inputOffsets)) } }

  /// E[y], of all groups one after the other.
  var outputMeans: [Double] { outputSums.indices.map { outputSums[$0] / divisor + Double(offset($0, outputOffsets)) } }

  /// The variances of the targets.
  var outputVariances: [Double] {
    outputSums.indices.map { index in
      let mean = outputSums[index] / divisor
      return max(0, outputSquares[index] / divisor - mean * mean)
    }
  }

  private func offset(_ index: Int, _ offsets: [Float]) -> Float { offsets.isEmpty ? 0 : offsets[index] }

  private func columnRange(_ group: Int) -> Range<Int> { (group * columns)..<((group + 1) * columns) }

  /// The covariance of a group's inputs.
  func covariance(_ group: Int) -> SymmetricMatrix {
    var covariance = inputs[group]
    covariance.scale(by: 1 / divisor)
    covariance.subtractSquare(of: inputSums[columnRange(group)].map { $0 / divisor })
    return covariance
  }

  /// The covariance of a group's targets with its inputs, row-major.
  func crossCovariance(_ group: Int) -> [Double] {
    let x = inputSums[columnRange(group)].map { $0 / divisor }
    var products = products[group].map { $0 / divisor }
    for row in 0..<rows {
      let y = outputSums[group * rows + row] / divisor
      for column in 0..<columns { products[row * columns + column] -= y * x[column] }
    }
    return products
  }
}
