import Kernels

/// What there is to know of a layer's inputs to invert their covariance: second moments, or the rows themselves where
/// these are far fewer than columns.
struct InputMoments {
  let form: LayerForm
  /// One piece after the other, as they came.
  private var rows: [[Float]] = []
  private var products: LayerMoments?

  /// With less damping, what rows do not tell of is lost in rounding.
  private static let leastRowDamping = 1e-3

  /// With more rows, updates of an inverse as large as there are columns take less time than solving for rows anew.
  private static let columnsPerRow = 4

  init(_ form: LayerForm) { self.form = form }

  /// Bytes that are kept, and those of the inverse that comes of them.
  /// - Parameter rows: at most so many.
  static func byteCount(_ form: LayerForm, rows: Int) -> Int {
    let isMatrix = columnsPerRow * rows > form.columns
    return form.groups * form.columns * 12 * (isMatrix ? form.columns : rows)
  }

  private var width: Int { form.groups * form.columns }

  private var rowCount: Int { width == 0 ? 0 : rows.reduce(0) { $0 + $1.count } / width }

  /// - Parameter x: lines of as many numbers as all groups have columns.
  mutating func add(_ x: [Float], workers: Workers) throws(BLASError) {
    if let count = rows.last?.count, count < LayerMoments.pieceRows * width {
      rows[rows.count - 1] += x
    } else {
      rows.append(x)
    }
    if rowCount >= form.columns { try multiply(workers) }
  }

  /// No more will come.
  /// - Parameter damping: of the inverse, as a share of the mean variance.
  mutating func finish(damping: Double, workers: Workers) throws(BLASError) {
    if products != nil || damping < Self.leastRowDamping || Self.columnsPerRow * rowCount > form.columns {
      try multiply(workers)
    }
  }

  private mutating func multiply(_ workers: Workers) throws(BLASError) {
    // Nothing else may hold the sums while they grow.
    var moments = products ?? LayerMoments(groups: form.groups, columns: form.columns, rows: 0, workers: workers)
    products = nil
    defer { products = moments }
    for piece in rows { try moments.add(piece, [], workers: workers) }
    rows = []
  }

  func covariance(_ group: Int) -> InputCovariance {
    if let products { return .matrix(products.covariance(group)) }
    return .rows(centred(group), columns: form.columns, count: rowCount)
  }

  /// The rows of a group less their mean, transposed.
  private func centred(_ group: Int) -> [Float] {
    let (columns, count) = (form.columns, rowCount)
    return [Float](unsafeUninitializedCapacity: columns * count) { result, filled in
      filled = columns * count
      for column in 0..<columns {
        let (own, first) = (result.baseAddress.map { $0 + column * count }, group * columns + column)
        guard let own else { return }
        var (sum, row) = (0.0, 0)
        for piece in rows {
          for place in stride(from: first, to: piece.count, by: width) {
            own[row] = piece[place]
            sum += Double(own[row])
            row += 1
          }
        }
        let mean = sum / Double(max(1, count))
        for row in 0..<count { own[row] = Float(Double(own[row]) - mean) }
      }
    }
  }
}
