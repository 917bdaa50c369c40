/// y ← (x − mean)/(deviation + ε), mean and deviation over any axes of a tensor.
public enum DeviationNormalization {
  /// Which elements are averaged together: `steps` lead along each axis of `shape` through the table of means, zero
  /// along axes that are averaged over.
  public struct Layout: Sendable {
    public let shape: [Int]
    public let steps: [Int]
    public let groups: Int

    public init(shape: [Int], steps: [Int], groups: Int) {
      self.shape = shape
      self.steps = steps
      self.groups = groups
    }

    var count: Int { shape.reduce(1, *) }

    /// Calls `body` for each element with the group it is averaged in.
    @inline(__always)
    func visit(_ body: (_ element: Int, _ group: Int) -> Void) {
      guard let width = shape.last, let step = steps.last, count > 0 else {
        if shape.isEmpty { body(0, 0) }
        return
      }
      var position = [Int](repeating: 0, count: shape.count)
      var group = 0
      for row in 0..<(count / width) {
        for column in 0..<width { body(row * width + column, group + column * step) }
        for axis in (0..<(shape.count - 1)).reversed() {
          position[axis] += 1
          group += steps[axis]
          if position[axis] < shape[axis] { break }
          group -= position[axis] * steps[axis]
          position[axis] = 0
        }
      }
    }
  }

  /// Doubles of scratch the functions need.
  public static func scratchCount(_ layout: Layout) -> Int { 4 * layout.groups }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, epsilon: Double, _ layout: Layout,
    scratch: UnsafeMutablePointer<Double>
  ) {
    statistics(x, layout, scratch)
    let (means, deviations) = (scratch, scratch + layout.groups)
    layout.visit { y[$0] = T((Double(x[$0]) - means[$1]) / (deviations[$1] + epsilon)) }
  }

  private static func statistics<T: Real>(
    _ x: UnsafePointer<T>, _ layout: Layout, _ scratch: UnsafeMutablePointer<Double>
  ) {
    let (means, deviations) = (scratch, scratch + layout.groups)
    let count = Double(layout.count / max(1, layout.groups))
    scratch.update(repeating: 0, count: 4 * layout.groups)
    layout.visit { means[$1] += Double(x[$0]) }
    for group in 0..<layout.groups { means[group] /= count }
    layout.visit { deviations[$1] += (Double(x[$0]) - means[$1]) * (Double(x[$0]) - means[$1]) }
    for group in 0..<layout.groups { deviations[group] = (deviations[group] / count).squareRoot() }
  }

  /// With c = x − mean and the deviation d: dx = (dy − mean(dy))/(d + ε) − c·mean(dy·c)/(d·(d + ε)²).
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, epsilon: Double,
    _ layout: Layout, scratch: UnsafeMutablePointer<Double>
  ) {
    statistics(x, layout, scratch)
    let (means, deviations) = (scratch, scratch + layout.groups)
    let (sums, products) = (scratch + 2 * layout.groups, scratch + 3 * layout.groups)
    let count = Double(layout.count / max(1, layout.groups))
    layout.visit {
      sums[$1] += Double(gradient[$0])
      products[$1] += Double(gradient[$0]) * (Double(x[$0]) - means[$1])
    }
    layout.visit {
      let (deviation, divisor) = (deviations[$1], deviations[$1] + epsilon)
      let bend = deviation > 0 ? products[$1] / count / (deviation * divisor * divisor) : 0
      let straight = (Double(gradient[$0]) - sums[$1] / count) / divisor
      output[$0] = T(straight - (Double(x[$0]) - means[$1]) * bend)
    }
  }
}
