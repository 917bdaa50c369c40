import Files
import Glibc
import IR
import Testing

@testable import DataSources

@Suite struct NumPyFileTests {
  static func npy(_ header: String, _ body: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let text = Array(header.utf8) + [0x0a]
    let size = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + size + text + body
  }

  static func header(_ descr: String, fortran: Bool = false, _ shape: String) -> String {
    "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
  }

  @Test(
    "every type is read back as written",
    arguments: [
      DataType.bool, .uint8, .int8, .uint16, .int16, .int32, .uint32, .int64, .uint64, .float16, .float, .double,
    ])
  func types(type: DataType) throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/a.npy"
    let width = try #require(type.byteWidth)
    let tensor = Tensor(bytes: (0..<(6 * width)).map { UInt8($0 % 2) }, type, [2, 3])
    try NumPyFile.write(tensor, to: path)
    let read = try NumPyFile.read(path)
    #expect(read.dataType == type && read.shape == [2, 3] && read.bytes == tensor.bytes)
  }

  @Test("shapes of no, one and no elements are kept", arguments: [[], [5], [0, 3], [1, 2, 3, 4]])
  func shapes(shape: [Int]) throws {
    let folder = try ScratchFolder()
    let count = shape.reduce(1, *)
    try NumPyFile.write(Tensor(floats: (0..<count).map(Float.init), shape), to: folder.path + "/a.npy")
    let read = try NumPyFile.read(folder.path + "/a.npy")
    #expect(read.shape == shape && read.floats == (0..<count).map(Float.init))
  }

  @Test("big-endian elements are turned round", arguments: [UInt8(1), 2, 3])
  func bigEndian(version: UInt8) throws {
    let folder = try ScratchFolder()
    let body: [UInt8] = [0x01, 0x02, 0xff, 0xfe]
    let path = try folder.file("a.npy", Self.npy(Self.header(">i2", "(2,)"), body, version: version))
    #expect(try NumPyFile.read(path).elements(Int16.self) == [0x0102, -2])
  }

  @Test("columns first becomes rows first")
  func fortran() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npy", Self.npy(Self.header("|u1", fortran: true, "(2, 3)"), [1, 4, 2, 5, 3, 6]))
    #expect(try NumPyFile.read(path).bytes == [1, 2, 3, 4, 5, 6])
    let cube = try folder.file(
      "b.npy", Self.npy(Self.header("|u1", fortran: true, "(2, 2, 2)"), [0, 4, 2, 6, 1, 5, 3, 7]))
    #expect(try NumPyFile.read(cube).bytes == [0, 1, 2, 3, 4, 5, 6, 7])
  }

  @Test(
    "what cannot be read says why",
    arguments: [
      ("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "Python objects (dtype object)"),
      ("{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", "strings (dtype <U3)"),
      ("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", "dtype <c8"),
      ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "structured dtype"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1000,), }", "needs 4000 bytes, there are 4"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }", "beyond what can be counted"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 0), }", "beyond what can be counted"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 0, 8), }", "beyond what can be"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "not a size"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "not a size"),
      ("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", "neither True nor False"),
      ("{'descr': '<f4', 'shape': (1,), }", "lacks descr, fortran_order or shape"),
      ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,", "not a size"),
      ("{'descr': '<f4", "does not end"), ("", "lacks a '{'"), ("{", "lacks a quoted name"),
    ])
  func refused(header: String, expected: String) throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npy", Self.npy(header, [0, 0, 0, 0]))
    let text = message { _ = try NumPyFile.read(path) }
    #expect(text.hasPrefix(path) && text.contains(expected) && !text.contains("\n"))
  }

  @Test("a file cut anywhere is refused, never read beyond its end")
  func truncated() throws {
    let folder = try ScratchFolder()
    let whole = Self.npy(Self.header("<f4", "(2,)"), [0, 0, 128, 63, 0, 0, 0, 64])
    for count in 1..<whole.count {
      let path = try folder.file("a.npy", Array(whole.prefix(count)))
      #expect(throws: DataError.self) { try NumPyFile.read(path) }
    }
  }

  @Test("a boolean that is neither 0 nor 1 is refused")
  func booleans() throws {
    let folder = try ScratchFolder()
    let path = try folder.file("a.npy", Self.npy(Self.header("|b1", "(2,)"), [1, 2]))
    #expect(message { _ = try NumPyFile.read(path) }.contains("neither 0 nor 1"))
  }

  @Test("an output that exists is kept unless told otherwise")
  func existing() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/a.npy"
    try NumPyFile.write(Tensor(floats: [1], [1]), to: path)
    #expect(throws: OutputError.exists(path: path)) { try NumPyFile.write(Tensor(floats: [2], [1]), to: path) }
    try NumPyFile.write(Tensor(floats: [3], [1]), to: path, overwrite: true)
    #expect(try NumPyFile.read(path).floats == [3])
    #expect(try InputFile.names(in: folder.path) == ["a.npy"])
  }

  @Test("a link to an output stays one, and what is replaced keeps its permissions")
  func replaced() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/a.npz"
    try NumPyFile.writeArchive([Tensor("x", floats: [1], [1])], to: path)
    chmod(path, 0o640)
    symlink("a.npz", folder.path + "/link.npz")
    try NumPyFile.writeArchive([Tensor("x", floats: [2], [1])], to: folder.path + "/link.npz", overwrite: true)
    #expect(try NumPyFile.readArchive(path).first?.floats == [2])
    var information = stat()
    stat(path, &information)
    #expect(information.st_mode & 0o777 == 0o640)
    #expect(try InputFile.names(in: folder.path) == ["a.npz", "link.npz"])
    symlink("nowhere", folder.path + "/lost.npz")
    #expect(throws: OutputError.self) {
      try NumPyFile.writeArchive([], to: folder.path + "/lost.npz", overwrite: true)
    }
  }

  @Test("what is not a file is not opened")
  func missing() throws {
    let folder = try ScratchFolder()
    #expect(message { _ = try NumPyFile.read(folder.path + "/none.npy") }.contains("No such file"))
    #expect(message { _ = try NumPyFile.read(folder.path) }.contains("not a file"))
    let empty = try folder.file("empty.npy", "")
    #expect(message { _ = try NumPyFile.read(empty) }.contains("empty"))
  }
}
