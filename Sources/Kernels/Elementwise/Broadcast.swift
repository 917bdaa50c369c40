/// How several tensors are read together as one shape: axes worked out to a few, the innermost of them as long as it
/// can be.
public struct Broadcast: Sendable {
  /// Elements along the innermost axis.
  public let rowCount: Int
  /// By operand, 1 or 0: whether the innermost axis moves it.
  public let rowStrides: [Int]
  /// The number of rows.
  public let rows: Int
  private let outerSizes: [Int]
  /// By operand, then by outer axis.
  private let outerStrides: [[Int]]

  /// - Parameter shapes: Shapes that broadcast to `shape`.
  public init(_ shapes: [[Int]], to shape: [Int]) {
    var sizes: [Int] = []
    var strides: [[Int]] = shapes.map { _ in [] }
    let all = shapes.map { Self.strides($0, rank: shape.count) }
    for axis in shape.indices where shape[axis] != 1 {
      // An axis joins the one before where every operand walks over both as over one.
      let joins = !sizes.isEmpty && all.indices.allSatisfy { strides[$0].last == all[$0][axis] * shape[axis] }
      if joins {
        sizes[sizes.count - 1] *= shape[axis]
      } else {
        sizes.append(shape[axis])
      }
      for operand in all.indices {
        if joins { strides[operand].removeLast() }
        strides[operand].append(all[operand][axis])
      }
    }
    // Dense operands move by one along the innermost axis; what moves by more has an innermost axis of size one, which
    // is left out, and is walked in rows of one element.
    if let inner = sizes.last, strides.allSatisfy({ $0.last == 0 || $0.last == 1 }) {
      rowCount = inner
      rowStrides = strides.map { $0.last ?? 0 }
      sizes.removeLast()
      for operand in strides.indices { strides[operand].removeLast() }
    } else {
      rowCount = 1
      rowStrides = shapes.map { _ in 0 }
    }
    outerSizes = sizes
    outerStrides = strides
    rows = sizes.reduce(1, *)
  }

  private static func strides(_ shape: [Int], rank: Int) -> [Int] {
    var strides = Array(repeating: 0, count: rank)
    var step = 1
    for (distance, size) in shape.reversed().enumerated() where distance < rank {
      strides[rank - 1 - distance] = size == 1 ? 0 : step
      step *= size
    }
    return strides
  }

  /// Calls `body` for pieces of rows: where each operand starts, where the output does, and how many elements follow.
  public func forEachRow(
    _ workers: Workers, grain: Int, _ body: (_ starts: UnsafePointer<Int>, _ output: Int, _ count: Int) -> Void
  ) {
    guard rowCount > 0, rows > 0 else { return }
    if rows == 1 {
      workers.forEachRange(of: rowCount, grain: grain) { range in
        let starts = rowStrides.map { $0 * range.lowerBound }
        starts.withUnsafeBufferPointer { starts in
          if let base = starts.baseAddress { body(base, range.lowerBound, range.count) }
        }
      }
      return
    }
    workers.forEachRange(of: rows, grain: max(1, grain / rowCount)) { walk($0, body) }
  }

  private func walk(_ range: Range<Int>, _ body: (UnsafePointer<Int>, Int, Int) -> Void) {
    let (axes, operands) = (outerSizes.count, outerStrides.count)
    withUnsafeTemporaryAllocation(of: Int.self, capacity: axes + operands) { memory in
      guard let index = memory.baseAddress else { return }
      let starts = index + axes
      for operand in 0..<operands { starts[operand] = 0 }
      var rest = range.lowerBound
      for axis in stride(from: axes - 1, through: 0, by: -1) {
        index[axis] = rest % outerSizes[axis]
        rest /= outerSizes[axis]
        for operand in 0..<operands { starts[operand] += index[axis] * outerStrides[operand][axis] }
      }
      for row in range {
        body(UnsafePointer(starts), row * rowCount, rowCount)
        var axis = axes - 1
        while axis >= 0 {
          index[axis] += 1
          for operand in 0..<operands { starts[operand] += outerStrides[operand][axis] }
          if index[axis] < outerSizes[axis] { break }
          for operand in 0..<operands { starts[operand] -= outerStrides[operand][axis] * outerSizes[axis] }
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
}
