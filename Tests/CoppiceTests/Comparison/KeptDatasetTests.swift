import IR
import Synchronization
import TestSupport
import Testing

@testable import Coppice

/// Counts how often batches are made of a data set.
private struct CountedDataset: Dataset {
  final class Counter: Sendable {
    let count = Mutex(0)
  }

  let base: any Dataset
  let counter = Counter()

  var made: Int { counter.count.withLock { $0 } }
  var count: Int { base.count }
  var fields: [DataField] { base.fields }
  var source: String { base.source }
  var storedArrays: [StoredArray] { base.storedArrays }

  func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    counter.count.withLock { $0 += 1 }
    return try base.batch(indices: indices, epoch: epoch)
  }
}

@Suite("Batches that are kept")
struct KeptDatasetTests {
  /// Four samples of eight bytes and a label of eight.
  private func data() throws -> CountedDataset {
    CountedDataset(
      base: try ArrayDataset([
        "x": Tensor(floats: (0..<8).map { Float($0) }, shape: [4, 2]), "label": Tensor(int64s: [0, 1, 2, 3]),
      ]))
  }

  @Test("a batch is made once, and is the same ever after")
  func once() throws {
    let data = try data()
    let kept = KeptDataset(data, limit: 1 << 20)
    for _ in 0..<3 {
      #expect(try kept.batch(indices: [0, 1])["x"]?.floats() == [0, 1, 2, 3])
      #expect(try kept.batch(indices: [3, 2])["label"]?.integers() == [3, 2])
    }
    #expect(data.made == 2)
    #expect(kept.count == 4 && kept.fields == data.fields && kept.source == data.source)
  }

  @Test("what memory has no place for is made anew, and is right")
  func limit() throws {
    let data = try data()
    let kept = KeptDataset(data, limit: 2 * 16 + 15)
    for _ in 0..<3 {
      #expect(try kept.batch(indices: [0, 1])["x"]?.floats() == [0, 1, 2, 3])
      #expect(try kept.batch(indices: [2])["x"]?.floats() == [4, 5])
    }
    #expect(data.made == 1 + 3)
  }

  @Test("the same fields are the same data set, and fewer are another")
  func fewerFields() throws {
    let data = try data()
    let kept = KeptDataset(data, limit: 1 << 20)
    _ = try kept.batch(indices: [0])
    _ = try kept.keeping(["x", "label"]).batch(indices: [0])
    #expect(data.made == 1)
    let labels = try kept.keeping(["label"]).batch(indices: [0])
    #expect(labels["label"]?.integers() == [0])
  }

  @Test("a comparison makes each corrupted batch once, however many models there are", arguments: [true, false])
  func comparison(fits: Bool) throws {
    let model = try GraphText.model(
      """
      x: float[N, 1, 4, 4]
      c = Conv(x, w[8, 1, 4, 4], b[8])
      r = Relu(c)
      f = Flatten(r)
      y = Gemm(f, v[8, 3], a[3])
      return y
      """)
    func pictures(_ count: Int) throws -> ArrayDataset {
      try ArrayDataset([
        "x": Tensor(floats: (0..<(count * 16)).map { Float($0 * 7 % 31) / 31 }, shape: [count, 1, 4, 4]),
        "label": Tensor(int64s: (0..<count).map { Int64($0 % 3) }),
      ])
    }
    let test = CountedDataset(base: try pictures(40))
    var settings = CriteriaComparison.Settings()
    settings.scorings = [.magnitude(p: 1), .random()]
    settings.targets = [.ratio(0.5)]
    settings.selection.roundTo = 1
    settings.corruptions = [.noise, .contrast]
    settings.batch = 20
    if !fits { settings.corruptedBytes = 0 }
    let comparison = try CriteriaComparison(
      of: model, calibration: CalibrationData(pictures(16), for: model), test: test, settings: settings)
    // Three models and two batches, under two corruptions: as they are each time, corrupted once or each time.
    #expect(comparison.rows.count == 3)
    #expect(test.made == 3 * 2 + (fits ? 1 : 3) * 2 * 2)
    let noisy = try CorruptedDataset(pictures(40), .noise)
    let metrics = try Evaluation(.crossEntropy, batch: 20)(model, on: noisy)
    #expect(comparison.rows[0].corrupted[0].loss == metrics.loss)
  }
}
