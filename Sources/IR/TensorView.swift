/// A tensor made by keeping some indices of some axes of a stored one.
///
/// Nothing is copied when a view is made: pruning a model costs the memory of its index lists, and the bytes are
/// gathered while the result is written.
public struct TensorView: Sendable {
  public let source: ByteRegion
  public let sourceShape: [Int]
  /// Bytes of one element; types smaller than a byte cannot be viewed.
  public let elementBytes: Int
  /// For each axis the kept indices in ascending order, or `nil` where all are kept.
  public let kept: [[Int32]?]

  public init(source: ByteRegion, sourceShape: [Int], elementBytes: Int, kept: [[Int32]?]) {
    precondition(kept.count == sourceShape.count)
    self.source = source
    self.sourceShape = sourceShape
    self.elementBytes = elementBytes
    self.kept = kept
  }

  public var shape: [Int] { zip(sourceShape, kept).map { $1?.count ?? $0 } }
  public var byteCount: Int { shape.reduce(elementBytes, *) }

  /// Calls `body` with consecutive runs of source bytes that together spell the view in row-major order.
  ///
  /// Neighbouring kept indices are joined, so an axis cut only outside is visited in runs of whole rows.
  public func forEachRun<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    guard byteCount > 0 else { return }
    // Axes after the last cut one are contiguous: one kept index of that axis is one run.
    guard let innermost = kept.lastIndex(where: { $0 != nil }) else {
      try source.withUnsafeBytes { bytes throws(Failure) in try body(bytes) }
      return
    }
    let rowBytes = sourceShape[(innermost + 1)...].reduce(elementBytes, *)
    let runs = Self.runs(of: kept[innermost]!, rowBytes: rowBytes)
    let outerShape = zip(sourceShape, kept)[..<innermost].map { $1?.count ?? $0 }
    var strides = [Int](repeating: sourceShape[innermost] * rowBytes, count: innermost)
    for axis in stride(from: innermost - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * sourceShape[axis + 1]
    }
    var position = [Int](repeating: 0, count: innermost)
    try source.withUnsafeBytes { bytes throws(Failure) in
      while true {
        var base = 0
        for axis in 0..<innermost {
          base += strides[axis] * (kept[axis].map { Int($0[position[axis]]) } ?? position[axis])
        }
        for run in runs {
          try body(UnsafeRawBufferPointer(rebasing: bytes[(base + run.lowerBound)..<(base + run.upperBound)]))
        }
        var axis = innermost - 1
        while axis >= 0 {
          position[axis] += 1
          if position[axis] < outerShape[axis] { break }
          position[axis] = 0
          axis -= 1
        }
        if axis < 0 { return }
      }
    }
  }

  /// The view's bytes in memory of their own.
  public func gathered() -> ByteRegion {
    ByteRegion(count: byteCount) { memory in
      var offset = 0
      forEachRun { run in
        UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: run)
        offset += run.count
      }
    }
  }

  private static func runs(of indices: [Int32], rowBytes: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for index in indices {
      let start = Int(index) * rowBytes
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<(start + rowBytes)
      } else {
        runs.append(start..<(start + rowBytes))
      }
    }
    return runs
  }
}

extension Zip2Sequence where Sequence1: RandomAccessCollection, Sequence2: RandomAccessCollection {
  fileprivate subscript(range: PartialRangeUpTo<Int>) -> [Element] { Array(prefix(range.upperBound)) }
}
