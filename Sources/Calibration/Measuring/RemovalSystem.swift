import Kernels

/// One matrix that reads a group: what removing channels costs it, where its other columns make up for them.
///
/// Columns that are not the group's never go, and are not among those of the system.
protocol RemovalSystem: Sendable {
  /// tr(W_M·(G_MM)⁻¹·W_Mᵀ) for the columns M of a channel, where G is the inverse of what all columns that are left
  /// covary, as a share of what the outputs vary.
  func loss(of channel: Int) -> Double

  /// Takes the columns of channels away, and has those that are left make up for them.
  /// - Parameter channels: ascending.
  mutating func remove(_ channels: [Int], workers: Workers) throws(BLASError)
}

/// Of inputs that are no numbers: nothing can be made up for.
struct UnknownRemovalSystem: RemovalSystem {
  func loss(of channel: Int) -> Double { .infinity }
  mutating func remove(_ channels: [Int], workers: Workers) {}
}

/// Which columns of a system are a channel's, while some go.
struct ChannelColumns {
  /// By channel, ascending; those that are left are numbered anew.
  private var columns: [[Int]]
  /// Columns that are left.
  private(set) var count: Int

  init(_ columns: [[Int]]) {
    self.columns = columns
    count = columns.reduce(0) { $0 + $1.count }
  }

  subscript(channel: Int) -> [Int] { columns[channel] }

  /// - Returns: the numbers that the columns that go had, and those that stay; ascending.
  mutating func remove(_ channels: [Int]) -> (gone: [Int], left: [Int]) {
    let gone = channels.flatMap { columns[$0] }.sorted()
    var places = [Int?](repeating: 0, count: count)
    for column in gone { places[column] = nil }
    let left = places.indices.filter { places[$0] != nil }
    for (place, column) in left.enumerated() { places[column] = place }
    columns = columns.map { $0.compactMap { places[$0] } }
    count = left.count
    return (gone, left)
  }
}

/// Some columns of a matrix that is kept transposed, row-major.
/// - Parameter height: rows of the matrix.
func block<Element: BinaryFloatingPoint>(ofTransposed matrix: [Element], columns: [Int], height: Int) -> [Double] {
  [Double](unsafeUninitializedCapacity: height * columns.count) { block, count in
    count = height * columns.count
    for (place, column) in columns.enumerated() {
      for row in 0..<height { block[row * columns.count + place] = Double(matrix[column * height + row]) }
    }
  }
}

/// tr(W·G⁻¹·Wᵀ) for a row-major W as wide as G; infinite where G cannot be inverted.
func blockLoss(_ weight: [Double], _ inverse: SymmetricMatrix) -> Double {
  if inverse.size == 1 {
    return inverse.elements[0] > 0 ? weight.reduce(0) { $0 + $1 * $1 } / inverse.elements[0] : .infinity
  }
  guard let factor = try? Cholesky(inverse), let white = try? factor.whiten(rows: weight) else { return .infinity }
  return white.reduce(0) { $0 + $1 * $1 }
}
