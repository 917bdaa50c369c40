/// For every element the product of the others that are reduced to the same result.
public struct OthersProduct: Sendable {
  /// The number of results.
  public let results: Int
  private let count: Int
  private let inner: Int
  private let innerStride: Int
  /// Outer axes: their sizes, and how far apart the results along them lie.
  private let axes: [(size: Int, stride: Int)]

  /// - Parameter reduced: the shape with one for each reduced axis.
  public init(shape: [Int], reduced: [Int]) {
    var axes: [(size: Int, stride: Int)] = []
    var step = 1
    for (size, result) in zip(shape, reduced).reversed() {
      axes.insert((size, result == 1 ? 0 : step), at: 0)
      step *= result
    }
    results = step
    count = shape.reduce(1, *)
    let last = axes.popLast() ?? (size: 1, stride: 0)
    (inner, innerStride) = (last.size, last.stride)
    self.axes = axes
  }

  /// The result the first element of a row belongs to.
  private func result(ofRow row: Int) -> Int {
    var (rest, result) = (row, 0)
    for axis in axes.reversed() {
      result += rest % axis.size * axis.stride
      rest /= axis.size
    }
    return result
  }

  /// Products of what is before, then of what is behind, times the gradient of the result.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func callAsFunction<T: Real>(
    _ x: UnsafePointer<T>, _ g: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, running: UnsafeMutablePointer<T>
  ) {
    guard count > 0 else { return }
    running.update(repeating: 1, count: results)
    for row in 0..<count / inner {
      let start = result(ofRow: row)
      for column in 0..<inner {
        let (place, result) = (row * inner + column, start + column * innerStride)
        y[place] = running[result]
        running[result] *= x[place]
      }
    }
    running.update(repeating: 1, count: results)
    for row in (0..<count / inner).reversed() {
      let start = result(ofRow: row)
      for column in (0..<inner).reversed() {
        let (place, result) = (row * inner + column, start + column * innerStride)
        y[place] *= running[result] * g[result]
        running[result] *= x[place]
      }
    }
  }
}
