/// −Σ q·log softmax(x), where q is 1 for the label, or 1 − ε for it and ε spread over all classes; the mean over rows.
/// Rows whose label is negative do not count.
public enum CrossEntropy {
  public struct Settings: Sendable {
    public let layout: LossMath.Layout
    /// ε.
    public let smoothing: Double
    /// What the loss is multiplied by.
    public let weight: Double

    public init(layout: LossMath.Layout, smoothing: Double, weight: Double) {
      self.layout = layout
      self.smoothing = smoothing
      self.weight = weight
    }
  }

  /// The first row whose label is no class, and that label.
  public static func stray<L: FixedWidthInteger>(
    _ labels: UnsafePointer<L>, _ layout: LossMath.Layout
  ) -> (row: Int, label: Int)? {
    for row in 0..<layout.rows where Int(labels[row]) >= layout.classes { return (row, Int(labels[row])) }
    return nil
  }

  /// - Parameter parts: room for a number a row.
  @specialized(where T == Float, L == Int64)
  @specialized(where T == Float, L == Int32)
  @specialized(where T == Double, L == Int64)
  public static func forward<T: Real, L: FixedWidthInteger>(
    _ x: UnsafePointer<T>, _ labels: UnsafePointer<L>, _ loss: UnsafeMutablePointer<T>,
    parts: UnsafeMutablePointer<Double>, _ settings: Settings, workers: Workers
  ) {
    let layout = settings.layout
    workers.forEachRange(of: layout.rows, grain: layout.grain) { range in
      for row in range {
        guard labels[row] >= 0 else {
          parts[row] = 0
          continue
        }
        let start = x + layout.start(of: row)
        let total = LossMath.logSum(start, layout)
        var part = total - Double(start[Int(labels[row]) * layout.inner])
        if settings.smoothing > 0 {
          var sum = 0.0
          for index in 0..<layout.classes { sum += Double(start[index * layout.inner]) }
          part = (1 - settings.smoothing) * part + settings.smoothing * (total - sum / Double(layout.classes))
        }
        parts[row] = part
      }
    }
    loss[0] = T(settings.weight * LossMath.sum(parts, layout.rows) / Double(counted(labels, layout.rows)))
  }

  /// dx ← (softmax(x) − q)·dy/rows.
  @specialized(where T == Float, L == Int64)
  @specialized(where T == Float, L == Int32)
  @specialized(where T == Double, L == Int64)
  public static func gradient<T: Real, L: FixedWidthInteger>(
    _ x: UnsafePointer<T>, _ labels: UnsafePointer<L>, upstream: T, _ output: UnsafeMutablePointer<T>,
    _ settings: Settings, workers: Workers
  ) {
    let (layout, inner) = (settings.layout, settings.layout.inner)
    let factor = upstream * T(settings.weight / Double(counted(labels, layout.rows)))
    let spread = T(settings.smoothing / Double(layout.classes))
    let hit = T(1 - settings.smoothing)
    workers.forEachRange(of: layout.rows, grain: layout.grain) { range in
      for row in range {
        let start = layout.start(of: row)
        guard labels[row] >= 0 else {
          for index in 0..<layout.classes { output[start + index * inner] = 0 }
          continue
        }
        let total = T(LossMath.logSum(x + start, layout))
        for index in 0..<layout.classes {
          let place = start + index * inner
          output[place] = (LossMath.exponential(x[place] - total) - spread) * factor
        }
        output[start + Int(labels[row]) * inner] -= hit * factor
      }
    }
  }

  /// Rows that count; one where none does, so that nothing is divided by zero.
  @inline(__always)
  private static func counted<L: FixedWidthInteger>(_ labels: UnsafePointer<L>, _ count: Int) -> Int {
    var counted = 0
    for row in 0..<count where labels[row] >= 0 { counted += 1 }
    return max(1, counted)
  }
}
