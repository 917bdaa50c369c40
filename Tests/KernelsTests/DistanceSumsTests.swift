import Kernels
import Testing

@Suite("Sums of distances")
struct DistanceSumsTests {
  private func matrix(_ rows: Int, _ columns: Int, shift: Float = 0) -> SliceMatrix {
    var state: UInt64 = 11
    let values = (0..<(rows * columns)).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return shift + Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
    return SliceMatrix(rows: rows, columns: columns, elements: values)
  }

  private func naive(_ matrix: SliceMatrix) -> [Double] {
    (0..<matrix.rows).map { row in
      (0..<matrix.rows).reduce(0.0) { total, other in
        let square = (0..<matrix.columns).reduce(0.0) { sum, column in
          let a = Double(matrix.elements[row * matrix.columns + column])
          let b = Double(matrix.elements[other * matrix.columns + column])
          return sum + (a - b) * (a - b)
        }
        return total + square.squareRoot()
      }
    }
  }

  @Test(
    "distances agree with naive loops, also across blocks of rows and far from the origin",
    arguments: [(1, 4, 0), (2, 1, 0), (17, 9, 0), (64, 147, 0), (300, 33, 0), (530, 5, 0), (40, 27, 1000)])
  func distances(rows: Int, columns: Int, shift: Int) throws {
    let matrix = matrix(rows, columns, shift: Float(shift))
    for (a, b) in zip(try DistanceSums.sums(of: matrix), naive(matrix)) { #expect(abs(a - b) <= 1e-4 * max(b, 1)) }
  }

  @Test("equal rows are at distance zero")
  func equalRows() throws {
    let row: [Float] = [0.3, -1.7, 2.9]
    let sums = try DistanceSums.sums(of: SliceMatrix(rows: 3, columns: 3, elements: row + row + row))
    #expect(sums == [0, 0, 0])
  }

  @Test("a row that is not finite gets no number and leaves the others theirs")
  func notFinite() throws {
    let sums = try DistanceSums.sums(of: SliceMatrix(rows: 3, columns: 2, elements: [0, 0, .infinity, 1, 3, 4]))
    #expect(sums[0] == 5 && sums[1].isNaN && sums[2] == 5)
  }

  @Test("slices of any axis become rows, several to a channel")
  func slices() throws {
    let values = (0..<12).map { Float($0) }
    let matrix = values.withUnsafeBytes {
      SliceMatrix(of: $0, shape: [2, 3, 2], axis: 1, channels: [1, -1, 0], rows: 2)
    }
    #expect(try #require(matrix).elements == [4, 5, 10, 11, 0, 1, 6, 7])
    let blocks = values.withUnsafeBytes {
      SliceMatrix(of: $0, shape: [4, 3], axis: 0, channels: [0, 0, 1, 1], rows: 2)
    }
    #expect(try #require(blocks).elements == values)
    #expect(
      values.withUnsafeBytes { SliceMatrix(of: $0, shape: [4, 3], axis: 0, channels: [0, 0, 2, 1], rows: 2) } == nil)
  }
}
