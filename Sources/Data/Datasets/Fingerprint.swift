import IR

/// Tells things apart that a checkpoint must not confuse: FNV-1a over 64 bits. No protection against those who mean to
/// confuse it.
package struct Fingerprint {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package var text: String { String(value, radix: 16) }

  /// Texts end where they end: `ab`, `c` is not `a`, `bc`.
  package mutating func add(_ text: String) {
    for byte in text.utf8 { add(UInt64(byte)) }
    add(0xff as UInt64)
  }

  /// Eight bytes at a time: weights and data are large.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    for offset in whole..<bytes.count { add(UInt64(bytes[offset])) }
    add(UInt64(bytes.count))
  }

  package mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0x100_0000_01b3
    // Multiplication carries upwards only.
    value ^= value >> 32
  }
}

extension Dataset {
  /// Differs where samples do, or what is done with them. Where the data is does not matter.
  public func digest() throws(DataError) -> String {
    var fingerprint = Fingerprint()
    for field in fields { fingerprint.add("\(field.name) \(field.dataType) \(field.shape)") }
    for array in storedArrays {
      fingerprint.add("\(array.field) \(array.tensor.dataType) \(array.tensor.shape)")
      array.tensor.contiguousBytes()?.withUnsafeBytes { fingerprint.add($0) }
    }
    let rest = try inspect()
    fingerprint.add(rest)
    return fingerprint.text
  }
}
