/// Sums over the slices of a tensor along each of its axes, in one pass over memory.
public enum SliceSums {
  /// What is added up of each element.
  public enum Power: Sendable {
    case absolute, square
  }

  /// For each axis of `shape`, and each index along it, the sum of |x| or x² over the slice at that index.
  ///
  /// Rows along the last axis are added in single precision and collected in double precision, in an order that
  /// depends on the shape alone.
  public static func sums(
    of elements: UnsafeBufferPointer<Float>, shape: [Int], power: Power
  ) -> [[Double]] {
    var sums = shape.map { [Double](repeating: 0, count: $0) }
    guard let width = shape.last, width > 0, !elements.isEmpty else {
      return sums
    }
    let rows = elements.count / width
    var columns = [Float](repeating: 0, count: width)
    var position = [Int](repeating: 0, count: shape.count - 1)
    var pending = 0
    for row in 0..<rows {
      let start = row * width
      let total = columns.withUnsafeMutableBufferPointer { columns in
        power == .square
          ? addSquares(UnsafeBufferPointer(rebasing: elements[start..<(start + width)]), to: columns)
          : addAbsolutes(UnsafeBufferPointer(rebasing: elements[start..<(start + width)]), to: columns)
      }
      for axis in position.indices { sums[axis][position[axis]] += total }
      pending += 1
      // Single-precision columns stay exact enough over a few hundred rows.
      if pending == 256 || row == rows - 1 {
        for index in 0..<width {
          sums[shape.count - 1][index] += Double(columns[index])
          columns[index] = 0
        }
        pending = 0
      }
      var axis = position.count - 1
      while axis >= 0 {
        position[axis] += 1
        if position[axis] < shape[axis] { break }
        position[axis] = 0
        axis -= 1
      }
    }
    return sums
  }

  private static func addSquares(
    _ row: UnsafeBufferPointer<Float>, to columns: UnsafeMutableBufferPointer<Float>
  ) -> Double {
    var lanes = SIMD8<Float>()
    var index = 0
    while index + 8 <= row.count {
      let base = UnsafeRawPointer(row.baseAddress! + index)
      let values = base.loadUnaligned(as: SIMD8<Float>.self)
      let squares = values * values
      lanes += squares
      let target = UnsafeMutableRawPointer(columns.baseAddress! + index)
      target.storeBytes(of: target.loadUnaligned(as: SIMD8<Float>.self) + squares, as: SIMD8<Float>.self)
      index += 8
    }
    var total = Double(lanes.sum())
    while index < row.count {
      let square = row[index] * row[index]
      columns[index] += square
      total += Double(square)
      index += 1
    }
    return total
  }

  private static func addAbsolutes(
    _ row: UnsafeBufferPointer<Float>, to columns: UnsafeMutableBufferPointer<Float>
  ) -> Double {
    var total: Float = 0
    for index in 0..<row.count {
      let value = Swift.abs(row[index])
      columns[index] += value
      total += value
    }
    return Double(total)
  }
}
