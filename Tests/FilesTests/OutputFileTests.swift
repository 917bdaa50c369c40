import Files
import Foundation
import IR
import Testing

/// A folder of its own for a test, gone when the test is.
private final class Folder {
  let path = NSTemporaryDirectory() + "coppice-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: URL(filePath: file(name))) }

  func bytes(of name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: file(name)))) }

  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

  func place(_ name: String, overwrite: Bool = false) throws -> OutputPlace {
    try OutputPlace(file(name), overwrite: overwrite, protecting: [])
  }
}

@Suite struct OutputFileTests {
  @Test("an output that is not published leaves no file")
  func unpublished() throws {
    let folder = try Folder()
    do {
      var file = try OutputFile(at: folder.place("out"))
      try file.write([1, 2])
      try file.finish(durable: true)
      #expect(try folder.names().count == 1)
      _ = file.byteCount
    }
    #expect(try folder.names() == [])
  }

  @Test("nothing is at its place before it is published, and all of it is then")
  func published() throws {
    let folder = try Folder()
    try folder.write([9], to: "out")
    var file = try OutputFile(at: folder.place("out", overwrite: true))
    // More than the buffer takes, in pieces small and large.
    let large = [UInt8](repeating: 7, count: 1 << 20)
    try file.write([1, 2, 3])
    try file.write(ByteRegion(copying: large))
    try file.pad(to: large.count + 10)
    try file.finish(durable: false)
    #expect(try folder.bytes(of: "out") == [9])
    let count = file.byteCount
    try file.publish()
    #expect(count == large.count + 10)
    #expect(try folder.bytes(of: "out") == [1, 2, 3] + large + [UInt8](repeating: 0, count: 7))
    #expect(try folder.names() == ["out"])
  }

  @Test("what is gathered comes in order, however often the buffer is full")
  func gathered() throws {
    let folder = try Folder()
    var file = try OutputFile(at: folder.place("out"))
    try file.write([5])
    let size = (1 << 20) + 1000
    var left = size
    while left > 0 {
      try file.write(gathering: { room in
        let count = min(left, room.count)
        for index in 0..<count { room[index] = UInt8(truncatingIfNeeded: left - index) }
        left -= count
        return count
      })
    }
    try file.finish(durable: false)
    try file.publish()
    let expected: [UInt8] = [5] + (0..<size).map { UInt8(truncatingIfNeeded: size - $0) }
    #expect(try folder.bytes(of: "out") == expected)
  }

  @Test("places that are taken, and how they are told")
  func taken() throws {
    let folder = try Folder()
    try folder.write([1], to: "old")
    let path = folder.file("old")
    #expect(throws: OutputError.exists(path: path)) { try folder.place("old") }
    let identity = try #require(FileIdentity(path: path))
    #expect(throws: OutputError.isInput(path: path)) {
      try OutputPlace(path, overwrite: true, protecting: [identity])
    }
    #expect(throws: OutputError.cannotWrite(path: folder.path, reason: "it is not a file")) {
      try OutputPlace(folder.path, overwrite: true, protecting: [])
    }
    #expect(OutputError.exists(path: path).isUsageError && OutputError.isInput(path: path).isUsageError)
    #expect(!OutputError.cannotWrite(path: path, reason: "").isUsageError)
  }
}
