/// Elements chosen by a list of indices along every axis; −1 stands for a constant.
public struct IndexedCopy: Sendable {
  /// Offsets instead of indices, in elements of the source; −1 stays.
  private let offsets: [[Int]]
  private let counts: [Int]

  /// - Parameters:
  ///   - sources: for each axis, the index in the source of each position of the target.
  ///   - shape: of the source.
  public init(sources: [[Int]], shape: [Int]) {
    let strides = StridedCopy.strides(shape)
    offsets = zip(sources, strides).map { list, stride in list.map { $0 < 0 ? -1 : $0 * stride } }
    counts = sources.map(\.count)
  }

  private var rows: Int { counts.dropLast().reduce(1, *) }

  /// Where a row of the target starts in the source; −1 where all of it is the constant.
  private func start(_ row: Int) -> Int {
    var (rest, start) = (row, 0)
    for axis in counts.indices.dropLast().reversed() {
      let (next, position) = rest.quotientAndRemainder(dividingBy: counts[axis])
      let offset = offsets[axis][position]
      if offset < 0 { return -1 }
      start += offset
      rest = next
    }
    return start
  }

  public func callAsFunction(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, constant: UnsafeRawBufferPointer, width: Int,
    _ workers: Workers
  ) {
    switch width {
    case 1: copy(source, target, constant.load(as: UInt8.self), workers)
    case 2: copy(source, target, constant.load(as: UInt16.self), workers)
    case 4: copy(source, target, constant.load(as: UInt32.self), workers)
    default: copy(source, target, constant.load(as: UInt64.self), workers)
    }
  }

  private func copy<T: BitwiseCopyable & Sendable>(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ constant: T, _ workers: Workers
  ) {
    let (from, to) = (source.assumingMemoryBound(to: T.self), target.assumingMemoryBound(to: T.self))
    guard let columns = offsets.last else {
      to[0] = from[0]
      return
    }
    workers.forEachRange(of: rows, grain: max(1, 16384 / max(1, columns.count))) { range in
      for row in range {
        let start = start(row)
        let line = to + row * columns.count
        for (column, offset) in columns.enumerated() {
          line[column] = start < 0 || offset < 0 ? constant : from[start + offset]
        }
      }
    }
  }

  /// Adds every element of `gradient` to where it came from, in order. `count` elements of the source start at zero.
  public func accumulate<T: Real>(_ gradient: UnsafePointer<T>, _ source: UnsafeMutablePointer<T>, _ count: Int) {
    source.update(repeating: 0, count: count)
    guard let columns = offsets.last else {
      source[0] = gradient[0]
      return
    }
    for row in 0..<rows {
      let start = start(row)
      if start < 0 { continue }
      for (column, offset) in columns.enumerated() where offset >= 0 {
        source[start + offset] += gradient[row * columns.count + column]
      }
    }
  }
}
