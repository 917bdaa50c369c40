import IR
import Testing

@testable import DataSources

@Suite struct DataLoaderTests {
  private func data(_ count: Int) throws -> ArrayDataset {
    let tensor = Tensor(int64s: (0..<count).map { Int64($0) })
    return try ArrayDataset([StoredArray(field: "x", source: "x", tensor: tensor)], source: "x")
  }

  private func samples(_ stream: BatchStream) throws -> [[Int]] {
    var result: [[Int]] = []
    while let batch = try stream.next() {
      #expect(batch.tensors["x"]?.int64s == batch.samples.map { Int64($0) })
      result.append(batch.samples)
    }
    return result
  }

  @Test("every sample comes once an epoch, in another order each", arguments: [0, 1, 4])
  func epochs(ahead: Int) throws {
    let loader = try DataLoader(try data(10), batchSize: 4, isShuffled: true, seed: 7)
    let batches = try samples(loader.batches(untilEpoch: 2, ahead: ahead))
    #expect(batches.map(\.count) == [4, 4, 2, 4, 4, 2])
    let (first, second) = (Array(batches[..<3].joined()), Array(batches[3...].joined()))
    #expect(first.sorted() == Array(0..<10) && second.sorted() == Array(0..<10) && first != second)
  }

  @Test("a last batch that is not full may be left out")
  func dropLast() throws {
    let loader = try DataLoader(try data(10), batchSize: 4, isShuffled: false, dropsLast: true)
    #expect(try samples(loader.batches(untilEpoch: 1)) == [[0, 1, 2, 3], [4, 5, 6, 7]])
  }

  @Test("going on from a saved position gives what an unbroken run gives", arguments: 0..<7)
  func resume(used: Int) throws {
    let loader = try DataLoader(try data(10), batchSize: 3, isShuffled: true, seed: 1)
    let whole = try samples(loader.batches(untilEpoch: 2))
    let stream = loader.batches(untilEpoch: 2)
    for _ in 0..<used { _ = try stream.next() }
    let rest = try samples(loader.batches(from: stream.position, untilEpoch: 2))
    #expect(rest == Array(whole.dropFirst(used)))
  }

  @Test("the order is fixed: a seed gives the same on every machine and in every version")
  func frozen() {
    var random = CounterRandom(seed: 1, 2, 3)
    let order = random.permutation(8)
    var again = CounterRandom(seed: 1, 2, 3)
    #expect(order == again.permutation(8))
    #expect(order == Self.frozenOrder)
  }

  private static let frozenOrder = [3, 4, 7, 0, 1, 6, 5, 2]

  @Test("numbers are spread evenly")
  func even() {
    var random = CounterRandom(seed: 3)
    var counts = [Int](repeating: 0, count: 6)
    for _ in 0..<60_000 { counts[random.number(below: 6)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 10_000) < 400 })
  }

  @Test("training and validation share no sample and leave none out")
  func split() throws {
    let split = try SampleSplit(count: 100, validationShare: 0.1, seed: 5)
    #expect(split.validation.count == 10 && (split.training + split.validation).sorted() == Array(0..<100))
    #expect(try SampleSplit(count: 100, validationShare: 0.1, seed: 5) == split)
    #expect(try SampleSplit(count: 100, validationShare: 0.1, seed: 6) != split)
    #expect(try SampleSplit(count: 1, validationShare: 0.5, seed: 0).training == [0])
    #expect(throws: DataError.self) { try SampleSplit(count: 9, validationShare: 1, seed: 0) }
  }

  private struct Failing: Dataset {
    let count = 10
    let fields: [DataField] = []
    let source = "failing"
    let storedArrays: [StoredArray] = []
    func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
      guard !indices.contains(4) else { throw .empty(source: "sample 4") }
      return [:]
    }
  }

  @Test("an error comes with the batch it belongs to, and ends the stream", arguments: [0, 3])
  func failure(ahead: Int) throws {
    let stream = try DataLoader(Failing(), batchSize: 2, isShuffled: false).batches(ahead: ahead)
    #expect(try stream.next()?.samples == [0, 1])
    #expect(try stream.next()?.samples == [2, 3])
    #expect(throws: DataError.empty(source: "sample 4")) { try stream.next() }
    #expect(try stream.next() == nil)
    #expect(stream.position == DataPosition(epoch: 0, step: 2))
  }

  @Test("batches that cannot be are refused")
  func faults() throws {
    #expect(throws: DataError.self) { try DataLoader(try data(3), batchSize: 0, isShuffled: false) }
    #expect(throws: DataError.self) { try DataLoader(try data(3), batchSize: 4, isShuffled: false, dropsLast: true) }
    #expect(throws: DataError.self) { try DataLoader(try data(3), samples: [3], batchSize: 1, isShuffled: false) }
  }
}
