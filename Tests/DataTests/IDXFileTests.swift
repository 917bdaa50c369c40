import IR
import Testing

@testable import DataSources

@Suite struct IDXFileTests {
  static func idx(_ type: UInt8, _ shape: [Int], _ body: [UInt8]) -> [UInt8] {
    [0, 0, type, UInt8(shape.count)]
      + shape.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } } + body
  }

  @Test("images find their labels by name, gzipped or not", arguments: [true, false])
  func pairing(isCompressed: Bool) throws {
    let folder = try ScratchFolder()
    let images = Self.idx(8, [2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 255])
    let suffix = isCompressed ? ".gz" : ""
    let path = try folder.file("train-images-idx3-ubyte" + suffix, isCompressed ? gzip(images) : images)
    let labels = Self.idx(8, [2], [7, 3])
    try folder.file("train-labels-idx1-ubyte" + suffix, isCompressed ? gzip(labels) : labels)
    let data = try DataSpecification(path: path).open()
    #expect(data.count == 2)
    let batch = try data.batch(indices: [1])
    #expect(batch["input"]?.shape == [1, 1, 2, 2] && batch["input"]?.dataType == .float)
    #expect(batch["input"]?.floats == [4, 5, 6, 255].map { (value: Float) in value * (1 / 255) })
    #expect(batch["label"]?.int64s == [3])
  }

  @Test("numbers of several bytes are big-endian")
  func wide() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.idx", Self.idx(0x0c, [1, 2], [0, 0, 1, 0, 255, 255, 255, 255]))
    #expect(try IDXFile.read(path).elements(Int32.self) == [256, -1])
  }

  @Test(
    "sizes that are a lie are refused",
    arguments: [
      [9, 2, 2], [1, 2, 2], [Int(UInt32.max), Int(UInt32.max), Int(UInt32.max)], [0, Int(UInt32.max), Int(UInt32.max)],
    ])
  func lyingSizes(shape: [Int]) throws {
    let folder = try ScratchFolder()
    let bytes = Self.idx(8, shape, [0, 1, 2, 3, 4, 5, 6, 7])
    for (name, contents) in [("a.idx", bytes), ("a.idx.gz", gzip(bytes))] {
      let path = try folder.file(name, contents)
      #expect(throws: DataError.self) { try IDXFile.read(path) }
    }
  }

  @Test("a file cut anywhere is refused", arguments: [true, false])
  func truncated(isCompressed: Bool) throws {
    let folder = try ScratchFolder()
    let bytes = Self.idx(8, [2, 2], [1, 2, 3, 4])
    let whole = isCompressed ? gzip(bytes) : bytes
    for count in 1..<whole.count {
      let path = try folder.file("a.idx", Array(whole.prefix(count)))
      #expect(throws: DataError.self) { try IDXFile.read(path) }
    }
  }

  @Test("different numbers of images and labels are refused")
  func uneven() throws {
    let folder = try ScratchFolder()
    let images = try folder.file("a.idx", Self.idx(8, [2, 1, 1], [0, 1]))
    let labels = try folder.file("b.idx", Self.idx(8, [3], [0, 1, 2]))
    let text = message { _ = try DataSpecification(path: images, labels: labels).open() }
    #expect(text.contains("input has 2") && text.contains("label has 3"))
  }
}

@Suite struct CIFARFileTests {
  private func record(_ labels: [UInt8], _ value: UInt8) -> [UInt8] {
    labels + [UInt8](repeating: value, count: 3072)
  }

  @Test("a folder's training files are one after the other")
  func folder() throws {
    let folder = try ScratchFolder()
    try folder.file("data_batch_1.bin", record([3], 10) + record([4], 20))
    try folder.file("data_batch_2.bin", record([5], 30))
    try folder.file("test_batch.bin", record([6], 40))
    let training = try DataSpecification(path: folder.path, normalization: Normalization.none).open()
    #expect(training.count == 3)
    let batch = try training.batch(indices: [0, 2])
    #expect(batch["label"]?.int64s == [3, 5] && batch["input"]?.shape == [2, 3, 32, 32])
    #expect(batch["input"]?.bytes.last == 30)
    #expect(try DataSpecification(path: folder.path + "/test_batch.bin").open().count == 1)
  }

  @Test("of two labels the fine one counts unless told otherwise")
  func fine() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("train.bin", record([3, 77], 10))
    try folder.file("fine_label_names.txt", "a")
    #expect(try DataSpecification(path: path).open().batch(indices: [0])["label"]?.int64s == [77])
    let coarse = DataSpecification(path: path, format: .cifar100Coarse)
    #expect(try coarse.open().batch(indices: [0])["label"]?.int64s == [3])
  }

  @Test("a file that is no number of records is refused")
  func truncated() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("data_batch_1.bin", Array(record([3], 10).dropLast()))
    #expect(message { _ = try DataSpecification(path: path).open() }.contains("records of 3073"))
  }
}
