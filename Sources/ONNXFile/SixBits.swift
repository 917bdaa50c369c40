/// Elements of six bits, four in three bytes, the first one lowest, as `raw_data` holds them.
enum SixBits {
  static func packed(_ elements: UnsafeRawBufferPointer) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (elements.count * 6 + 7) / 8)
    for (index, element) in elements.enumerated() {
      let (byte, shift) = (index * 6 / 8, index * 6 % 8)
      bytes[byte] |= element << shift
      if shift > 2 { bytes[byte + 1] |= element >> (8 - shift) }
    }
    return bytes
  }

  static func unpacked(_ bytes: UnsafeRawBufferPointer, count: Int) -> [UInt8] {
    (0..<count).map { index in
      let (byte, shift) = (index * 6 / 8, index * 6 % 8)
      let high = shift > 2 ? bytes[byte + 1] << (8 - shift) : 0
      return (bytes[byte] >> shift | high) & 0x3F
    }
  }
}
