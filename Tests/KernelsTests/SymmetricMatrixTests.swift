import TestSupport
import Testing

@testable import Kernels

@Suite("Symmetric matrices")
struct SymmetricMatrixTests {
  /// More than a tile.
  static let size = 300

  private func matrix(seed: Int) -> SymmetricMatrix {
    var random = RandomNumbers(seed: seed)
    return SymmetricMatrix(size: Self.size, elements: random.floats(Self.size * Self.size).map { Double($0) })
  }

  @Test("some rows and columns are kept in place as in a copy", arguments: [[], [0], [299], [3, 4, 150, 298, 299]])
  func keep(indices: [Int]) {
    let whole = matrix(seed: 1)
    var kept = whole
    kept.keep(indices)
    let copy = whole.keeping(indices)
    #expect(kept.size == indices.count && kept.elements.count == indices.count * indices.count)
    for row in indices.indices { for column in row..<indices.count { #expect(kept[row, column] == copy[row, column]) } }
  }

  @Test("a block has what is on both sides of the diagonal")
  func block() {
    let matrix = matrix(seed: 2)
    let (rows, columns) = ([5, 200, 299], [0, 5, 250])
    let block = matrix.block(rows: rows, columns: columns)
    #expect(block == rows.flatMap { row in columns.map { matrix[row, $0] } })
  }

  @Test("squares are added tile by tile, by any number of threads", arguments: [1, 3])
  func addSquare(threads: Int) throws {
    let before = matrix(seed: 3)
    var (after, random) = (before, RandomNumbers(seed: 4))
    let width = 7
    let rows = random.floats(Self.size * width).map { Double($0) }
    try after.addSquare(ofRows: rows, times: -2, workers: Workers(count: threads))
    for row in [0, 1, 255, 256, 299] {
      for column in row..<Self.size {
        let product = (0..<width).reduce(0.0) { $0 + rows[row * width + $1] * rows[column * width + $1] }
        #expect(abs(after[row, column] - (before[row, column] - 2 * product)) <= 1e-12)
      }
    }
  }

  @Test("rows that begin with zeros make the same where these are passed over")
  func triangle() throws {
    var random = RandomNumbers(seed: 5)
    var rows = random.floats(Self.size * Self.size).map { Double($0) }
    for row in 1..<Self.size { for column in 0..<row { rows[row * Self.size + column] = 0 } }
    var (all, passed) = (SymmetricMatrix(size: Self.size), SymmetricMatrix(size: Self.size))
    try all.addSquare(ofRows: rows, times: 1, workers: .one)
    try passed.addSquare(ofRows: rows, times: 1, workers: .one) { $0 }
    for row in 0..<Self.size {
      for column in row..<Self.size { #expect(abs(all[row, column] - passed[row, column]) <= 1e-12) }
    }
  }
}
