import Files
import Glibc
import IR
import Testing

@testable import DataSources

/// A folder that goes with the test.
final class ScratchFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/coppice-data-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(text: "no scratch folder") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  struct Failure: Error { var text: String }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    for name in (try? InputFile.names(in: path)) ?? [] {
      let inner = "\(path)/\(name)"
      if InputFile.isFolder(inner) { remove(inner) } else { unlink(inner) }
    }
    rmdir(path)
  }

  func folder(_ name: String) -> String {
    mkdir("\(path)/\(name)", 0o777)
    return "\(path)/\(name)"
  }

  @discardableResult func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(path)/\(name)"
    var file = try OutputFile(at: OutputPlace(path, overwrite: true, protecting: []))
    try file.write(bytes)
    try file.finish(durable: false)
    try file.publish()
    return path
  }

  @discardableResult func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

  func bytes(_ path: String) throws -> [UInt8] { try InputFile(path: path).region.withUnsafeBytes { Array($0) } }
}

extension Tensor {
  init(_ name: String? = nil, floats: [Float], _ shape: [Int]) {
    let region = floats.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(name: name, dataType: .float, shape: shape, storage: .bytes(region))
  }

  init(_ name: String? = nil, bytes: [UInt8], _ type: DataType, _ shape: [Int]) {
    self.init(name: name, dataType: type, shape: shape, storage: .bytes(ByteRegion(copying: bytes)))
  }

  var bytes: [UInt8] { contiguousBytes()?.withUnsafeBytes { Array($0) } ?? [] }

  func elements<T: BitwiseCopyable>(_: T.Type = T.self) -> [T] {
    contiguousBytes()?.withUnsafeBytes { bytes in
      (0..<(bytes.count / MemoryLayout<T>.stride)).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
      }
    } ?? []
  }

  var floats: [Float] { elements(Float.self) }
  var int64s: [Int64] { elements(Int64.self) }
}

/// The one-line description of the error that a body throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

func gzip(_ bytes: [UInt8]) -> [UInt8] { Deflation.deflate(bytes, windowBits: 31) }
