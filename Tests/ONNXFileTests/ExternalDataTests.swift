import Foundation
import IR
import ONNXFile
import Testing

/// A model with one external tensor of four floats, described by entries.
private func model(_ entries: [(String, String)], extra: [UInt8] = []) -> [UInt8] {
  var tensor = field(1, varint: 4) + field(2, varint: 1) + field(8, "w")
  for (key, value) in entries { tensor += field(13, field(1, key) + field(2, value)) }
  tensor += field(14, varint: 1) + extra
  let node = field(1, "w") + field(2, "y") + field(4, "Relu")
  return field(7, field(1, node) + field(5, tensor) + field(12, field(1, "y")))
}

private func error(_ entries: [(String, String)], in scratch: Scratch, extra: [UInt8] = []) throws -> String? {
  try scratch.write(model(entries, extra: extra), to: "model.onnx")
  do {
    _ = try ONNXReader.read(contentsOf: scratch.file("model.onnx"))
    return nil
  } catch {
    return "\(error)"
  }
}

@Suite struct ExternalDataTests {
  @Test("data inside the folder is read, in folders below and through links that stay inside too")
  func inside() throws {
    let scratch = Scratch()
    try FileManager.default.createDirectory(atPath: scratch.file("below"), withIntermediateDirectories: true)
    try scratch.write(Array(0..<64), to: "w.bin")
    try scratch.write(Array(0..<64), to: "below/w.bin")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("link.bin"), withDestinationPath: scratch.file("below/w.bin"))
    for location in ["w.bin", "below/w.bin", "./w.bin", "link.bin"] {
      #expect(try error([("location", location)], in: scratch) == nil)
      #expect(try error([("location", location), ("offset", "48"), ("length", "16")], in: scratch) == nil)
    }
  }

  @Test("locations outside the folder are refused")
  func outside() throws {
    let (scratch, other) = (Scratch(), Scratch())
    try other.write(Array(0..<64), to: "w.bin")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("file"), withDestinationPath: other.file("w.bin"))
    try FileManager.default.createSymbolicLink(atPath: scratch.file("folder"), withDestinationPath: other.path)
    for location in [
      other.file("w.bin"), "../\((other.path as NSString).lastPathComponent)/w.bin", "a/../../w.bin", "..", ".",
      "file", "folder/w.bin", "\\w.bin", "/etc/passwd", "/dev/zero",
    ] {
      let found = try error([("location", location)], in: scratch)
      #expect(found?.contains("only files inside it are read") == true, "\(location)")
    }
  }

  @Test("the folder of the file a model is a link to counts as its own")
  func cache() throws {
    let scratch = Scratch()
    for folder in ["blobs", "snapshot"] {
      try FileManager.default.createDirectory(atPath: scratch.file(folder), withIntermediateDirectories: true)
    }
    try scratch.write(model([("location", "w.bin")]), to: "blobs/aaa")
    try scratch.write(Array(0..<64), to: "blobs/bbb")
    for (name, blob) in [("model.onnx", "aaa"), ("w.bin", "bbb")] {
      try FileManager.default.createSymbolicLink(
        atPath: scratch.file("snapshot/\(name)"), withDestinationPath: "../blobs/\(blob)")
    }
    _ = try ONNXReader.read(contentsOf: scratch.file("snapshot/model.onnx"))
  }

  @Test("what is no stretch of the file is refused")
  func ranges() throws {
    let scratch = Scratch()
    try scratch.write(Array(0..<64), to: "w.bin")
    try scratch.write([], to: "empty.bin")
    let location = ("location", "w.bin")
    for (offset, length) in [
      ("49", "16"), ("64", "16"), ("-1", "16"), ("9223372036854775807", "16"), ("9223372036854775800", nil),
      ("99999999999999999999", "16"), ("0", "15"), ("0", "17"), ("0", "-16"), ("0", "99999999999999999999"), ("", "16"),
      ("0x10", "16"), ("1e1", "16"), (" 8", "16"), ("0", ""),
    ] {
      let entries = [location, ("offset", offset)] + (length.map { [("length", $0)] } ?? [])
      #expect(try error(entries, in: scratch) != nil, "\(offset) \(length ?? "–")")
    }
    #expect(try error([], in: scratch)?.contains("no location") == true)
    #expect(try error([("location", "")], in: scratch)?.contains("no location") == true)
    #expect(try error([("location", "empty.bin")], in: scratch)?.contains("empty") == true)
    #expect(try error([("location", "nowhere.bin")], in: scratch)?.contains("No such file") == true)
  }

  @Test("pipes and folders are not waited for")
  func pipes() throws {
    let scratch = Scratch()
    mkfifo(scratch.file("pipe"), 0o600)
    try FileManager.default.createDirectory(atPath: scratch.file("folder"), withIntermediateDirectories: true)
    for location in ["pipe", "folder"] { #expect(try error([("location", location)], in: scratch) != nil) }
  }

  @Test("elements given twice are refused")
  func twice() throws {
    let scratch = Scratch()
    try scratch.write(Array(0..<64), to: "w.bin")
    let raw = field(9, [UInt8](repeating: 0, count: 16))
    #expect(try error([("location", "w.bin")], in: scratch, extra: raw)?.contains("given twice") == true)
  }
}
