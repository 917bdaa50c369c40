import IR

/// Brings an array's elements into the one order tensors have: little-endian, last axis fastest.
enum ElementOrder {
  static func rowMajor(_ region: ByteRegion, _ header: NumPyHeader) -> ByteRegion {
    let isMoved = header.isFortran && header.shape.filter { $0 > 1 }.count > 1
    guard isMoved || header.isBigEndian, region.count > 0 else { return region }
    return switch header.dataType.byteWidth {
    case 2: arrange(region, header, isMoved, UInt16.self)
    case 4: arrange(region, header, isMoved, UInt32.self)
    case 8: arrange(region, header, isMoved, UInt64.self)
    default: arrange(region, header, isMoved, UInt8.self)
    }
  }

  private static func arrange<T: FixedWidthInteger>(
    _ region: ByteRegion, _ header: NumPyHeader, _ isMoved: Bool, _: T.Type
  ) -> ByteRegion {
    let width = MemoryLayout<T>.size
    return ByteRegion(count: region.count) { output in
      region.withUnsafeBytes { input in
        func element(_ index: Int) -> T {
          let value = input.loadUnaligned(fromByteOffset: index * width, as: T.self)
          return header.isBigEndian ? T(bigEndian: value) : value
        }
        guard isMoved else {
          for index in 0..<(region.count / width) {
            output.storeBytes(of: element(index), toByteOffset: index * width, as: T.self)
          }
          return
        }
        walk(header.shape) { target, source in
          output.storeBytes(of: element(source), toByteOffset: target * width, as: T.self)
        }
      }
    }
  }

  /// Calls `body` with the place of every element in row order and in column order.
  private static func walk(_ shape: [Int], _ body: (_ row: Int, _ column: Int) -> Void) {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropFirst() { strides[axis] = strides[axis - 1] * shape[axis - 1] }
    var index = [Int](repeating: 0, count: shape.count)
    var source = 0
    for target in 0..<shape.reduce(1, *) {
      body(target, source)
      for axis in shape.indices.reversed() {
        index[axis] += 1
        source += strides[axis]
        if index[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        index[axis] = 0
      }
    }
  }
}
