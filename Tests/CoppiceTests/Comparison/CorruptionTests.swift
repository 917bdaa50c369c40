import IR
import Testing

@testable import Coppice

@Suite("Corruptions")
struct CorruptionTests {
  private func corrupted(
    _ corruption: Corruption, _ values: [Float], _ sample: [Int], severity: Int = 1, layout: ImageLayout = .nchw,
    seed: UInt64 = 0
  ) throws -> [Float] {
    let data = try ArrayDataset(["x": Tensor(floats: values, shape: [1] + sample)])
    let changed = try CorruptedDataset(data, corruption, severity: severity, layout: layout, seed: seed)
    return try #require(try changed.batch(indices: [0])["x"]?.floats())
  }

  @Test("blur takes means over 3×3 pixels and repeats the outermost")
  func blur() throws {
    let corner = try corrupted(.blur, [9, 0, 0, 0, 0, 0, 0, 0, 0], [1, 3, 3])
    for (found, expected) in zip(corner, [4, 2, 0, 2, 1, 0, 0, 0, 0] as [Float]) {
      #expect(abs(found - expected) < 1e-5)
    }
    let flat = try corrupted(.blur, [Float](repeating: 2, count: 18), [2, 3, 3], severity: 5)
    #expect(flat.allSatisfy { abs($0 - 2) < 1e-5 })
  }

  @Test("contrast pulls each channel towards its own mean, in either order of the axes")
  func contrast() throws {
    #expect(try corrupted(.contrast, [0, 2, 10, 14], [2, 1, 2], severity: 2) == [0.5, 1.5, 11, 13])
    #expect(
      try corrupted(.contrast, [0, 10, 2, 14], [1, 2, 2], severity: 2, layout: .nhwc) == [0.5, 11, 1.5, 13])
  }

  @Test("noise is as strong as its share of the picture's standard deviation")
  func noise() throws {
    let picture = (0..<40_000).map { Float($0 % 2 == 0 ? -3 : 3) }
    let noisy = try corrupted(.noise, picture, [1, 200, 200], severity: 2)
    let squares = zip(noisy, picture).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    #expect(abs((squares / 40_000).squareRoot() - 0.3 * 3) < 0.02)
    #expect(try corrupted(.noise, [5, 5, 5, 5], [1, 2, 2], severity: 5) == [5, 5, 5, 5])
  }

  @Test("a shift moves by at least a pixel along both axes", arguments: 0..<8 as Range<UInt64>)
  func shift(seed: UInt64) throws {
    let moved = try corrupted(.shift, (0..<16).map { Float($0) }, [1, 4, 4], seed: seed)
    // The pixel at row 1 and column 1 comes from one of its diagonal neighbours.
    #expect([0, 2, 8, 10].contains(moved[5]))
  }

  @Test("what is drawn depends on the seed and the sample alone", arguments: [Corruption.noise, .shift])
  func drawn(_ corruption: Corruption) throws {
    let values = (0..<256).map { Float($0 * 7 % 31) }
    let data = try ArrayDataset(["x": Tensor(floats: values, shape: [4, 1, 8, 8])])
    let changed = try CorruptedDataset(data, corruption, seed: 3)
    let all = try #require(try changed.batch(indices: [0, 1, 2, 3])["x"]?.floats())
    let third = try #require(try changed.batch(indices: [2])["x"]?.floats())
    #expect(Array(all[128..<192]) == third)
    let other = try CorruptedDataset(data, .noise, seed: 4).batch(indices: [2])["x"]?.floats()
    #expect(other != third)
  }

  @Test("labels stay, and what holds no pictures is refused")
  func fields() throws {
    let data = try ArrayDataset([
      "x": Tensor(floats: [1, 2, 3, 4], shape: [1, 1, 2, 2]), "label": Tensor(int64s: [1]),
    ])
    let changed = try CorruptedDataset(data, .contrast)
    #expect(try changed.batch(indices: [0])["label"]?.integers() == [1])
    #expect(changed.count == 1 && changed.fields == data.fields)
    #expect(throws: DataError.self) { try CorruptedDataset(data, .blur, severity: 6) }
    let rows = try ArrayDataset(["x": Tensor(floats: [1, 2], shape: [1, 2])])
    #expect(throws: DataError.self) { try CorruptedDataset(rows, .blur) }
  }
}
