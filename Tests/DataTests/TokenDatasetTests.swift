import IR
import Testing

@testable import DataSources

@Suite struct TokenDatasetTests {
  private func bytes(_ tokens: [UInt16]) -> [UInt8] { tokens.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

  @Test("labels are the inputs one token later, every token is a label once")
  func windows() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.bin", bytes([10, 11, 12, 13, 14, 15, 16, 700]))
    let data = try DataSpecification(path: path, sequenceLength: 3).open()
    #expect(data.count == 2)
    let batch = try data.batch(indices: [0, 1])
    #expect(batch["input"]?.int64s == [10, 11, 12, 13, 14, 15] && batch["label"]?.int64s == [11, 12, 13, 14, 15, 16])
    #expect(batch["label"]?.shape == [2, 3])
  }

  @Test("windows overlap where the stride is shorter")
  func stride() throws {
    let tokens = Tensor(int64s: [0, 1, 2, 3, 4])
    let data = try TokenDataset(tokens, source: "t", sequenceLength: 3, stride: 1, field: "x")
    #expect(data.count == 2)
    #expect(try data.batch(indices: [1])["label"]?.int64s == [2, 3, 4])
  }

  @Test("arrays of ids are read too, of floating-point numbers refused")
  func arrays() throws {
    let folder = try ScratchFolder()
    try NumPyFile.write(Tensor(ints: [3, 4, 5], .int32), to: folder.path + "/a.npy")
    let data = try DataSpecification(path: folder.path + "/a.npy", sequenceLength: 2).open()
    #expect(try data.batch(indices: [0])["input"]?.int64s == [3, 4])
    try NumPyFile.write(Tensor(floats: [3, 4, 5], [3]), to: folder.path + "/b.npy")
    let text = message { _ = try DataSpecification(path: folder.path + "/b.npy", sequenceLength: 2).open() }
    #expect(text.contains("one row of integers"))
  }

  @Test("too few tokens, half ones and a missing length are refused")
  func faults() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.bin", bytes([1, 2, 3]))
    #expect(
      message { _ = try DataSpecification(path: path, sequenceLength: 3).open() }.contains(
        "less than a window of 3 and the token after it"))
    #expect(message { _ = try DataSpecification(path: path).open() }.contains("sequence length"))
    let odd = try folder.file("b.bin", [1, 2, 3])
    #expect(message { _ = try DataSpecification(path: odd, sequenceLength: 1).open() }.contains("16-bit tokens"))
  }

  @Test("tokens beyond the vocabulary are found before training")
  func vocabulary() throws {
    let tokens = Tensor(int64s: [0, 1, 2, 9])
    let data = try TokenDataset(tokens, source: "t", sequenceLength: 2, field: "x")
    #expect(throws: DataError.rowOutOfRange(source: "t", sample: 3, row: "9", rows: 9)) {
      try DatasetCheck(tableSizes: ["x": 9]).run(data)
    }
    #expect(throws: Never.self) { try DatasetCheck(labels: .classes(10), tableSizes: ["x": 10]).run(data) }
  }
}
