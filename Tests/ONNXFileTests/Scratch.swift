import Foundation
import IR
import ONNXFile

/// A folder of its own for a test, gone when the test is.
final class Scratch {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "coppice-\(UUID().uuidString)"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ bytes: [UInt8], to name: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: file(name))) }

  func bytes(of name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name)))) }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  /// Writes a model and reads it back.
  func again(_ model: Model, as name: String = "model.onnx") throws -> Model {
    var options = ONNXWriter.Options()
    options.durable = false
    try ONNXWriter.write(model, to: file(name), options: options)
    return try ONNXReader.read(contentsOf: file(name))
  }
}

/// A length-delimited protobuf field.
func field(_ number: UInt64, _ payload: [UInt8]) -> [UInt8] {
  varint(number << 3 | 2) + varint(UInt64(payload.count)) + payload
}

func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

func varint(_ value: UInt64) -> [UInt8] {
  value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
}

func field(_ number: UInt64, varint value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }
