/// Copies elements of any type between two layouts of the same logical shape: transposing, slicing, repeating, putting
/// side by side are all this.
public struct StridedCopy: Sendable {
  private struct Axis {
    var size: Int
    var source: Int
    var target: Int
  }

  private var axes: [Axis]
  private let count: Int
  private let sourceOffset: Int
  private let targetOffset: Int
  private let width: Int

  /// - Parameters:
  ///   - shape: elements copied along each axis.
  ///   - source: elements between neighbours of each axis; zero repeats, negative ones run backwards.
  ///   - elementBytes: 1, 2, 4, 8 or 16.
  public init(
    shape: [Int], source: [Int], sourceOffset: Int = 0, target: [Int]? = nil, targetOffset: Int = 0, elementBytes: Int
  ) {
    let target = target ?? Self.strides(shape)
    count = shape.reduce(1, *)
    self.sourceOffset = sourceOffset
    self.targetOffset = targetOffset
    width = elementBytes
    axes = []
    for axis in shape.indices where shape[axis] != 1 {
      let next = Axis(size: shape[axis], source: source[axis], target: target[axis])
      // Neighbouring axes that lie one inside the other on both sides are one.
      if let last = axes.last, last.source == next.source * next.size, last.target == next.target * next.size {
        axes[axes.count - 1] = Axis(size: last.size * next.size, source: next.source, target: next.target)
      } else {
        axes.append(next)
      }
    }
    if axes.isEmpty { axes = [Axis(size: 1, source: 1, target: 1)] }
  }

  /// Row-major strides of a shape.
  public static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * max(1, shape[axis + 1])
    }
    return strides
  }

  public func callAsFunction(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ workers: Workers
  ) {
    guard count > 0 else { return }
    switch width {
    case 1: copy(source, target, UInt8.self, workers)
    case 2: copy(source, target, UInt16.self, workers)
    case 4: copy(source, target, UInt32.self, workers)
    case 8: copy(source, target, UInt64.self, workers)
    default: copy(source, target, SIMD2<UInt64>.self, workers)
    }
  }

  private func copy<T: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _: T.Type, _ workers: Workers
  ) {
    let from = source.assumingMemoryBound(to: T.self) + sourceOffset
    let to = target.assumingMemoryBound(to: T.self) + targetOffset
    let outer = axes.count > 2 ? axes[..<(axes.count - 2)].reduce(1) { $0 * $1.size } : 1
    let plane = axes.suffix(2).reduce(1) { $0 * $1.size }
    if outer == 1 {
      let first = axes.count > 1 ? axes[0] : Axis(size: 1, source: 0, target: 0)
      workers.forEachRange(of: first.size, grain: max(8, 65536 / max(1, plane / max(1, first.size)))) { range in
        copyPlane(from + range.lowerBound * first.source, to + range.lowerBound * first.target, rows: range.count)
      }
      return
    }
    workers.forEachRange(of: outer, grain: max(1, 65536 / max(1, plane))) { range in
      for index in range {
        var (rest, a, b) = (index, 0, 0)
        for axis in axes[..<(axes.count - 2)].reversed() {
          let (next, position) = rest.quotientAndRemainder(dividingBy: axis.size)
          a += position * axis.source
          b += position * axis.target
          rest = next
        }
        copyPlane(from + a, to + b, rows: axes[axes.count - 2].size)
      }
    }
  }

  /// The last two axes.
  private func copyPlane<T: BitwiseCopyable>(_ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, rows: Int) {
    let inner = axes[axes.count - 1]
    let outer = axes.count > 1 ? axes[axes.count - 2] : Axis(size: 1, source: 0, target: 0)
    CopyLoops.plane(
      source, target, rows: rows, columns: inner.size, sourceRow: outer.source, targetRow: outer.target,
      sourceColumn: inner.source, targetColumn: inner.target)
  }
}

enum CopyLoops {
  @specialized(where T == UInt32)
  @specialized(where T == UInt64)
  @specialized(where T == UInt8)
  @specialized(where T == UInt16)
  @specialized(where T == SIMD2<UInt64>)
  static func plane<T: BitwiseCopyable>(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, rows: Int, columns: Int, sourceRow: Int,
    targetRow: Int, sourceColumn: Int, targetColumn: Int
  ) {
    if sourceColumn == 1, targetColumn == 1 {
      for row in 0..<rows {
        (target + row * targetRow).update(from: source + row * sourceRow, count: columns)
      }
      return
    }
    if sourceColumn == 0, targetColumn == 1 {
      for row in 0..<rows { (target + row * targetRow).update(repeating: source[row * sourceRow], count: columns) }
      return
    }
    guard sourceRow == 1, rows > 4, columns > 4 else {
      for row in 0..<rows {
        let (from, to) = (source + row * sourceRow, target + row * targetRow)
        for column in 0..<columns { to[column * targetColumn] = from[column * sourceColumn] }
      }
      return
    }
    // A transposition: in blocks, so that lines of both sides stay in the first cache.
    let block = 16
    for row in stride(from: 0, to: rows, by: block) {
      for column in stride(from: 0, to: columns, by: block) {
        for i in row..<min(rows, row + block) {
          let (from, to) = (source + i * sourceRow, target + i * targetRow)
          for j in column..<min(columns, column + block) { to[j * targetColumn] = from[j * sourceColumn] }
        }
      }
    }
  }
}
