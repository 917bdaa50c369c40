import Kernels
import Pruning
import TestSupport
import Testing

@testable import Calibration

/// Far fewer rows than columns are kept as they are; what is made of them is what their covariance would give.
@Suite("Covariance of inputs")
struct InputCovarianceTests {
  private static let (columns, count) = (29, 7)

  private func rows() -> [Float] {
    var numbers = Numbers(seed: 3)
    return numbers.integers(Self.columns * Self.count, in: -4...5).map { Float($0) }
  }

  /// Of rows, and of the matrix they make.
  private func both() throws -> (rows: InputCovariance, matrix: InputCovariance) {
    let form = LayerForm.plain(rows: 3, columns: Self.columns)
    func covariance(damping: Double) throws -> InputCovariance {
      var moments = InputMoments(form)
      for start in stride(from: 0, to: Self.count, by: 3) {
        let lines = rows()[(start * Self.columns)..<(min(Self.count, start + 3) * Self.columns)]
        try moments.add(Array(lines), workers: .one)
      }
      try moments.finish(damping: damping, workers: .one)
      return moments.covariance(0)
    }
    return (try covariance(damping: 0.01), try covariance(damping: 0))
  }

  @Test("few rows are kept, and multiplied where there is next to no damping")
  func form() throws {
    let (rows, matrix) = try both()
    guard case .rows(_, Self.columns, Self.count) = rows, case .matrix = matrix else {
      Issue.record("\(rows), \(matrix)")
      return
    }
  }

  @Test("as many rows as columns become a matrix")
  func manyRows() throws {
    var moments = InputMoments(LayerForm.plain(rows: 3, columns: 2))
    try moments.add([1, 2, 3, 5], workers: .one)
    try moments.add([8, 1], workers: .one)
    try moments.finish(damping: 0.01, workers: .one)
    guard case .matrix(let matrix) = moments.covariance(0) else {
      Issue.record("rows were kept")
      return
    }
    // Of (1, 2), (3, 5) and (8, 1).
    #expect(abs(matrix[0, 0] - 26.0 / 3) <= 1e-12 && abs(matrix[0, 1] + 7.0 / 3) <= 1e-12)
  }

  @Test("what is counted beforehand is enough for what is kept", arguments: [1, 9, 11, 40])
  func bytes(count: Int) throws {
    let form = LayerForm.plain(rows: 3, columns: 40)
    var moments = InputMoments(form)
    try moments.add((0..<(count * 40)).map { Float($0 * 7 % 11) }, workers: .one)
    try moments.finish(damping: 0.01, workers: .one)
    let kept =
      switch moments.covariance(0) {
      case .matrix(let matrix): matrix.elements.count * MemoryLayout<Double>.size
      case .rows(let rows, _, _): rows.count * MemoryLayout<Float>.size
      }
    #expect(InputMoments.byteCount(form, rows: count) >= kept)
  }

  @Test("variances and sums of squares are the same")
  func sums() throws {
    let (rows, matrix) = try both()
    #expect(zip(rows.variances, matrix.variances).allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
    let weight = (0..<(3 * Self.columns)).map { Double($0 % 5) - 2 }
    let (a, b) = (try rows.sumOfSquares(of: weight), try matrix.sumOfSquares(of: weight))
    // Those of rows are made in single precision.
    #expect(abs(a - b) <= 1e-6 * b)
  }

  @Test("blocks of the damped inverse are those of the inverse")
  func inverse() throws {
    guard case .matrix(let covariance) = try both().matrix, case .inverse(let damped) = try both().matrix.damped(0.01)
    else {
      Issue.record("a matrix is not inverted")
      return
    }
    var whole = covariance
    whole.addToDiagonal(0.01 * covariance.meanDiagonal)
    let expected = try #require(try Cholesky(whole)).inverse()
    let scale = expected.diagonal.max() ?? 0
    for indices in [Array(0..<Self.columns), [1, 2, 7], [28]] {
      let block = try damped.block(indices, workers: .one)
      for (row, from) in indices.enumerated() {
        for (column, to) in indices.enumerated() {
          #expect(abs(block[row, column] - expected[from, to]) <= 1e-6 * scale)
        }
      }
    }
  }

  @Test("both forms lose the same where columns go, and go on losing the same")
  func removal() throws {
    let (rows, matrix) = try both()
    guard case .rows(let few) = try rows.damped(0.01), case .inverse(let inverse) = try matrix.damped(0.01) else {
      Issue.record("the forms are not those of rows and of a matrix")
      return
    }
    // Six channels of four columns and one of none; five columns are another group's.
    let channels = (0..<6).map { Array(($0 * 4)..<($0 * 4 + 4)) } + [[]]
    let own = Array(3..<27)
    var numbers = Numbers(seed: 8)
    let weight = numbers.integers(own.count * 3, in: -4...5).map { Float($0) }
    var systems: [any RemovalSystem] = [
      try RowRemovalSystem(
        few, own: own, matrix: weight, height: 3, columns: ChannelColumns(channels), weight: 0.5, workers: .one),
      InverseRemovalSystem(
        inverse: try inverse.block(own, workers: .one), matrix: weight.map { Double($0) }, height: 3,
        columns: ChannelColumns(channels), weight: 0.5),
    ]
    var before = 0.0
    for gone in [[], [1, 4], [0], [2, 3]] {
      for index in systems.indices { try systems[index].remove(gone, workers: .one) }
      let losses = systems.map { system in (0..<7).map { system.loss(of: $0) } }
      #expect(relativeError(losses[0], losses[1]) <= 1e-4)
      #expect(losses[1][6] == 0 && gone.allSatisfy { losses[1][$0] == 0 })
      // What is left makes up for more and more.
      #expect(losses[1][5] > before)
      before = losses[1][5]
    }
  }

  /// Rows of whole numbers, whose products and sums single precision holds.
  struct Sizes: Sendable, CustomTestStringConvertible {
    let columns: Int
    let count: Int
    let isMatrix: Bool

    var testDescription: String { "\(count) rows of \(columns)" }
  }

  @Test(
    "they are the same however many rows come at a time",
    arguments: [
      Sizes(columns: 29, count: 7, isMatrix: false), Sizes(columns: 29, count: 8, isMatrix: true),
      Sizes(columns: 12, count: 100, isMatrix: true),
      // More rows than are copied together.
      Sizes(columns: 1200, count: 290, isMatrix: false), Sizes(columns: 300, count: 640, isMatrix: true),
    ])
  func pieces(sizes: Sizes) throws {
    var numbers = Numbers(seed: 5)
    let rows = DenseMatrix(sizes.count, sizes.columns, numbers.integers(sizes.count * sizes.columns, in: -4...5))
    let lines = rows.floats
    func covariance(rowsAtOnce: Int) throws -> InputCovariance {
      var moments = InputMoments(LayerForm.plain(rows: 3, columns: sizes.columns))
      for start in stride(from: 0, to: sizes.count, by: rowsAtOnce) {
        let end = min(sizes.count, start + rowsAtOnce)
        try moments.add(Array(lines[(start * sizes.columns)..<(end * sizes.columns)]), workers: .one)
      }
      try moments.finish(damping: 0.01, workers: .one)
      return moments.covariance(0)
    }
    let whole = try covariance(rowsAtOnce: sizes.count)
    let centred = rows.centred
    let variances = (0..<sizes.columns).map { column in
      (0..<sizes.count).reduce(0.0) { $0 + centred[$1, column] * centred[$1, column] } / Double(sizes.count)
    }
    #expect(relativeError(whole.variances, variances) <= 1e-6)
    for rowsAtOnce in [1, 3] {
      let pieces = try covariance(rowsAtOnce: rowsAtOnce)
      switch (whole, pieces) {
      case (.matrix(let expected), .matrix(let found)):
        #expect(sizes.isMatrix && found.elements == expected.elements)
      case (.rows(let expected, _, let count), .rows(let found, _, let foundCount)):
        #expect(!sizes.isMatrix && foundCount == count && found == expected)
      default: Issue.record("\(rowsAtOnce) at once are kept in another form than all")
      }
    }
  }
}
