import Kernels
import Testing

@Suite("Sums of columns")
struct ColumnSumsTests {
  @Test(
    "each column is added to its sum in the order of rows, by any number of threads", arguments: [1, 7, 300],
    [0, 1, 50])
  func sums(width: Int, rows: Int) {
    var random = RandomNumbers(seed: width + rows)
    let matrix = random.floats(width * rows)
    let start = (0..<width).map { Double($0) / 4 - 3 }
    var (sums, squares) = (start, start)
    for (index, value) in matrix.enumerated() {
      sums[index % width] += Double(value)
      squares[index % width] += Double(value) * Double(value)
    }
    for workers in [Workers.one, Workers(count: 3)] {
      var (found, foundSquares) = (start, start)
      ColumnSums.add(matrix, to: &found, workers: workers)
      ColumnSums.addSquares(of: matrix, to: &foundSquares, workers: workers)
      #expect(found == sums && foundSquares == squares)
    }
  }

  @Test("a matrix without columns has no sums")
  func noColumns() {
    var sums: [Double] = []
    ColumnSums.add([], to: &sums, workers: .one)
    ColumnSums.addSquares(of: [], to: &sums, workers: .one)
    #expect(sums.isEmpty)
  }
}
