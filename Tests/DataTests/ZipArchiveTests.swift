import IR
import Testing

@testable import DataSources

@Suite struct ZipArchiveTests {
  private static let array = NumPyFileTests.npy(
    NumPyFileTests.header("<f4", "(1000,)"), [UInt8](repeating: 0, count: 4000))

  @Test("arrays are read back under their names, in order, and aligned")
  func roundTrip() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/a.npz"
    let tensors = [Tensor("x", floats: [1, 2, 3, 4], [2, 2]), Tensor(name: "label", int64s: [5, 6])]
    try NumPyFile.writeArchive(tensors, to: path)
    let read = try NumPyFile.readArchive(path)
    #expect(read.map(\.name) == ["x", "label"])
    #expect(read[0].floats == [1, 2, 3, 4] && read[1].int64s == [5, 6])
    // Stored arrays are mapped, and where vector code likes them.
    let offsets = read.compactMap { $0.contiguousBytes()?.offset }
    #expect(offsets.allSatisfy { $0 > 0 && $0 % 64 == 0 })
  }

  @Test("equal arrays give equal files")
  func deterministic() throws {
    let folder = try ScratchFolder()
    for name in ["a.npz", "b.npz"] {
      try NumPyFile.writeArchive([Tensor("x", floats: [1], [1])], to: "\(folder.path)/\(name)")
    }
    #expect(try folder.bytes(folder.path + "/a.npz") == folder.bytes(folder.path + "/b.npz"))
  }

  @Test("two arrays of one name are not written")
  func twice() throws {
    let folder = try ScratchFolder()
    let tensors = [Tensor("x", floats: [1], [1]), Tensor("x", floats: [2], [1])]
    #expect(
      message { try NumPyFile.writeArchive(tensors, to: folder.path + "/a.npz") }.contains("two arrays are named x"))
    #expect(try InputFile.names(in: folder.path).isEmpty)
  }

  @Test("deflated arrays are inflated")
  func deflated() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npz", Deflation.zip("x.npy", Self.array))
    let read = try NumPyFile.readArchive(path)
    #expect(read.map(\.name) == ["x"] && read[0].shape == [1000])
  }

  @Test("a size that is a lie is refused", arguments: [0, 10, 4000, 5000, 1 << 31])
  func lyingSize(announced: Int) throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npz", Deflation.zip("x.npy", Self.array, announced: announced))
    #expect(message { _ = try NumPyFile.readArchive(path) }.contains("does not decompress to the \(announced) bytes"))
  }

  @Test("a wrong checksum is refused")
  func checksum() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npz", Deflation.zip("x.npy", Self.array, checksum: 1))
    #expect(message { _ = try NumPyFile.readArchive(path) }.contains("wrong checksum"))
  }

  @Test("an archive cut anywhere is refused")
  func truncated() throws {
    let folder = try ScratchFolder()
    try NumPyFile.writeArchive([Tensor("x", floats: [1, 2], [2])], to: folder.path + "/a.npz")
    let whole = try folder.bytes(folder.path + "/a.npz")
    for count in 1..<whole.count {
      let path = try folder.file("b.npz", Array(whole.prefix(count)))
      #expect(throws: DataError.self) { try NumPyFile.readArchive(path) }
    }
  }

  @Test("a byte changed anywhere is refused or changes nothing that counts")
  func damaged() throws {
    let folder = try ScratchFolder()
    try NumPyFile.writeArchive([Tensor("x", floats: [1, 2], [2])], to: folder.path + "/a.npz")
    let whole = try folder.bytes(folder.path + "/a.npz")
    for position in whole.indices {
      var bytes = whole
      bytes[position] ^= 0xff
      let path = try folder.file("b.npz", bytes)
      guard let read = try? NumPyFile.readArchive(path), let first = read.first else { continue }
      #expect(first.floats == [1, 2])
    }
  }
}
