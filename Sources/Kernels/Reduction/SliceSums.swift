/// Sums over the slices of a tensor of single-precision numbers along each of its axes, in one pass over memory.
///
/// The bytes may be unaligned, as tensors in a mapped file are.
public enum SliceSums {
  /// What is added up of each element.
  public enum Power: Sendable {
    case absolute, square
  }

  /// For each axis of `shape`, and each index along it, the sum of |x| or x² over the slice at that index.
  ///
  /// The tensor is seen as a matrix: leading axes make rows, the others columns long enough to be added as vectors.
  /// Rows are added in single precision and collected in double precision, in an order that depends on the shape alone.
  public static func sums(
    of elements: UnsafeRawBufferPointer, shape: [Int], power: Power
  ) -> [[Double]] {
    var sums = shape.map { [Double](repeating: 0, count: $0) }
    guard !elements.isEmpty, !shape.isEmpty else { return sums }
    var leading = 1
    while leading < shape.count - 1, shape[leading...].reduce(1, *) > maximumColumns { leading += 1 }
    if shape.count == 1 { leading = 0 }
    let width = shape[leading...].reduce(1, *)
    let rows = elements.count / (4 * width)
    var columns = [Float](repeating: 0, count: width)
    var totals = [Double](repeating: 0, count: width)
    var position = [Int](repeating: 0, count: leading)
    var pending = 0
    for row in 0..<rows {
      let values = UnsafeRawBufferPointer(rebasing: elements[(4 * row * width)..<(4 * (row + 1) * width)])
      let total = columns.withUnsafeMutableBufferPointer {
        power == .square ? addSquares(values, to: $0) : addAbsolutes(values, to: $0)
      }
      for axis in position.indices { sums[axis][position[axis]] += total }
      pending += 1
      // Single-precision columns stay exact enough over a few hundred rows.
      if pending == 256 || row == rows - 1 {
        for index in 0..<width {
          totals[index] += Double(columns[index])
          columns[index] = 0
        }
        pending = 0
      }
      advance(&position, shape)
    }
    fold(totals, shape, from: leading, into: &sums)
    return sums
  }

  private static let maximumColumns = 1 << 18

  private static func advance(_ position: inout [Int], _ shape: [Int]) {
    for axis in position.indices.reversed() {
      position[axis] += 1
      if position[axis] < shape[axis] { return }
      position[axis] = 0
    }
  }

  /// Adds column totals to the axes they are made of.
  private static func fold(_ totals: [Double], _ shape: [Int], from leading: Int, into sums: inout [[Double]]) {
    var inner = 1
    for axis in (leading..<shape.count).reversed() {
      let size = shape[axis]
      sums[axis].withUnsafeMutableBufferPointer { sums in
        var index = 0
        while index < totals.count {
          for place in 0..<size {
            var total = 0.0
            for offset in 0..<inner { total += totals[index + offset] }
            sums[place] += total
            index += inner
          }
        }
      }
      inner *= size
    }
  }

  private static func addSquares(
    _ row: UnsafeRawBufferPointer, to columns: UnsafeMutableBufferPointer<Float>
  ) -> Double {
    var lanes = SIMD8<Float>()
    var index = 0
    while index + 8 <= columns.count {
      let values = row.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self)
      let squares = values * values
      lanes += squares
      let target = UnsafeMutableRawPointer(columns.baseAddress! + index)
      target.storeBytes(of: target.loadUnaligned(as: SIMD8<Float>.self) + squares, as: SIMD8<Float>.self)
      index += 8
    }
    var total = Double(lanes.sum())
    while index < columns.count {
      let value = row.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
      let square = value * value
      columns[index] += square
      total += Double(square)
      index += 1
    }
    return total
  }

  private static func addAbsolutes(
    _ row: UnsafeRawBufferPointer, to columns: UnsafeMutableBufferPointer<Float>
  ) -> Double {
    var lanes = SIMD8<Float>()
    var index = 0
    while index + 8 <= columns.count {
      let values = row.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<UInt32>.self) & 0x7FFF_FFFF
      let absolutes = unsafeBitCast(values, to: SIMD8<Float>.self)
      lanes += absolutes
      let target = UnsafeMutableRawPointer(columns.baseAddress! + index)
      target.storeBytes(of: target.loadUnaligned(as: SIMD8<Float>.self) + absolutes, as: SIMD8<Float>.self)
      index += 8
    }
    var total = Double(lanes.sum())
    while index < columns.count {
      let value = Swift.abs(row.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
      columns[index] += value
      total += Double(value)
      index += 1
    }
    return total
  }
}
