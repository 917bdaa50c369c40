/// Matrices whose columns are stored as blocks of numbers of few bits.
public enum FewBits {
  /// Unpacks one column: `rows` numbers of `bits` bits, less the zero point of their block, times its scale.
  /// - Parameters:
  ///   - packed: whole bytes for each block, numbers from the lowest bits on.
  ///   - scales: one for each block.
  ///   - zeros: one for each block.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func unpack<T: Real>(
    _ packed: UnsafePointer<UInt8>, bits: Int, block: Int, rows: Int, scales: UnsafePointer<T>,
    zeros: UnsafePointer<T>, _ column: UnsafeMutablePointer<T>
  ) {
    let bytes = (block * bits + 7) / 8
    let mask = (1 << bits) - 1
    var start = 0
    var index = 0
    while start < rows {
      let count = min(block, rows - start)
      let (own, scale, zero) = (packed + index * bytes, scales[index], zeros[index])
      switch bits {
      case 4:
        for row in 0..<count {
          column[start + row] = (T((own[row >> 1] >> UInt8((row & 1) << 2)) & 15) - zero) * scale
        }
      case 8:
        for row in 0..<count { column[start + row] = (T(own[row]) - zero) * scale }
      default:
        for row in 0..<count { column[start + row] = (T(number(own, row, bits) & mask) - zero) * scale }
      }
      start += block
      index += 1
    }
  }

  /// The number at an index of a run of bits, with what follows it in its bytes.
  public static func number(_ packed: UnsafePointer<UInt8>, _ index: Int, _ bits: Int) -> Int {
    let (byte, shift) = (index * bits / 8, index * bits % 8)
    let next = shift + bits > 8 ? Int(packed[byte + 1]) << 8 : 0
    return (Int(packed[byte]) | next) >> shift & ((1 << bits) - 1)
  }
}
