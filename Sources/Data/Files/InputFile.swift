import Files
import Glibc
import IR

/// A file of data, mapped for reading.
struct InputFile: Sendable {
  private let file: MappedFile

  var path: String { file.path }
  var owner: ByteOwner { file.owner }
  var bytes: UnsafeRawBufferPointer { owner.bytes }
  var count: Int { owner.bytes.count }

  init(path: String) throws(DataError) {
    do throws(InputError) {
      file = try MappedFile(path: path)
    } catch {
      throw .cannotOpen(path: path, reason: error.reason)
    }
  }

  /// The whole file.
  var region: ByteRegion { ByteRegion(owner: owner, offset: 0, count: count) }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isFolder(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }

  /// The names in a folder, sorted, without hidden ones.
  static func names(in folder: String) throws(DataError) -> [String] {
    guard let stream = opendir(folder) else { throw .cannotOpen(path: folder, reason: systemMessage(errno)) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The last component of a path.
  static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// Reads numbers at byte offsets that were checked to lie inside.
extension ByteRegion {
  /// - Returns: `nil` where the number would not lie inside.
  func little<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    guard offset >= 0, count >= MemoryLayout<T>.size, offset <= count - MemoryLayout<T>.size else { return nil }
    return withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: T.self)) }
  }

  /// - Returns: `nil` where the number would not lie inside.
  func big<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T? {
    little(type, at: offset).map { $0.byteSwapped }
  }

  /// - Returns: `nil` where the range does not lie inside.
  func slice(_ start: Int, _ length: Int) -> ByteRegion? {
    guard start >= 0, length >= 0, start <= count, length <= count - start else { return nil }
    return ByteRegion(owner: owner, offset: offset + start, count: length)
  }

  func text(_ start: Int, _ length: Int) -> String? {
    slice(start, length)?.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
