/// Operations along one axis of a tensor of `outer` × `size` × `inner` elements of any ordered kind.
public struct AxisLoops: Sendable {
  public let outer: Int
  public let size: Int
  public let inner: Int

  public init(shape: [Int], axis: Int) {
    outer = shape[..<axis].reduce(1, *)
    size = axis < shape.count ? shape[axis] : 1
    inner = shape.dropFirst(axis + 1).reduce(1, *)
  }

  /// The tensor taken for a matrix, as operators normalized over all axes from one on before operator set 13.
  public init(shape: [Int], from axis: Int) {
    outer = shape[..<axis].reduce(1, *)
    size = shape[axis...].reduce(1, *)
    inner = 1
  }

  private func forEachLine(_ workers: Workers, _ body: (_ outer: Int, _ inner: Int) -> Void) {
    workers.forEachRange(of: outer * inner, grain: max(1, 16384 / max(1, size))) { range in
      for line in range { body(line / inner, line % inner) }
    }
  }

  /// The position of the greatest (least) element of every line.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func extremum<T: Comparable & BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<Int64>, isGreatest: Bool, takesLast: Bool, workers: Workers
  ) {
    forEachLine(workers) { row, column in
      let line = x + row * size * inner + column
      var best = 0
      for index in stride(from: 1, to: size, by: 1) {
        let (value, champion) = (line[index * inner], line[best * inner])
        let wins = isGreatest ? value > champion : value < champion
        // The first NaN wins, as in NumPy.
        if wins || (takesLast && value == champion) || (value != value && champion == champion) { best = index }
      }
      y[row * inner + column] = Int64(best)
    }
  }

  /// One where the greatest element is, zero elsewhere.
  public func hardmax<T: Real>(_ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, workers: Workers) {
    forEachLine(workers) { row, column in
      let (line, result) = (x + row * size * inner + column, y + row * size * inner + column)
      var best = 0
      for index in stride(from: 1, to: size, by: 1) where line[index * inner] > line[best * inner] { best = index }
      for index in 0..<size { result[index * inner] = index == best ? 1 : 0 }
    }
  }

  /// Running sums or products.
  public func accumulate<T: BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, start: T, isExclusive: Bool, isReversed: Bool,
    workers: Workers, _ combine: (T, T) -> T
  ) {
    withoutActuallyEscaping(combine) { combine in
      nonisolated(unsafe) let combine = combine
      forEachLine(workers) { row, column in
        let (line, result) = (x + row * size * inner + column, y + row * size * inner + column)
        var total = start
        for step in 0..<size {
          let position = (isReversed ? size - 1 - step : step) * inner
          let value = line[position]
          if isExclusive { result[position] = total }
          total = combine(total, value)
          if !isExclusive { result[position] = total }
        }
      }
    }
  }

  /// The `count` greatest (least) elements of every line, in order, and where they were. Equals keep their order.
  public func top<T: Comparable & BitwiseCopyable>(
    _ count: Int, _ x: UnsafePointer<T>, _ values: UnsafeMutablePointer<T>?, _ positions: UnsafeMutablePointer<Int64>?,
    isGreatest: Bool, workers: Workers
  ) {
    forEachLine(workers) { row, column in
      let line = x + row * size * inner + column
      let order = (0..<size).sorted { a, b in
        let (first, second) = (line[a * inner], line[b * inner])
        if first == second { return a < b }
        // NaN counts as the greatest of all.
        let (isFirstNaN, isSecondNaN) = (first != first, second != second)
        if isFirstNaN && isSecondNaN { return a < b }
        if isFirstNaN || isSecondNaN { return isFirstNaN == isGreatest }
        return isGreatest ? first > second : first < second
      }
      for (rank, index) in order.prefix(count).enumerated() {
        let place = (row * count + rank) * inner + column
        values?[place] = line[index * inner]
        positions?[place] = Int64(index)
      }
    }
  }

  /// Puts gradients of chosen elements back where they came from, zero elsewhere. Positions must lie within the axis.
  public func scatter<T: Real>(
    _ g: UnsafePointer<T>, _ positions: UnsafePointer<Int64>, count: Int, _ x: UnsafeMutablePointer<T>,
    workers: Workers
  ) {
    forEachLine(workers) { row, column in
      let line = x + row * size * inner + column
      for index in 0..<size { line[index * inner] = 0 }
      for rank in 0..<count {
        let place = (row * count + rank) * inner + column
        line[Int(positions[place]) * inner] += g[place]
      }
    }
  }
}
