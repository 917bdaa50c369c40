/// T²·KL(softmax(teacher/T) ‖ softmax(student/T)), the mean over rows (Hinton et al., Distilling the Knowledge in a
/// Neural Network, 2015: T² keeps the gradient's size whatever the temperature).
public enum Distillation {
  public struct Settings: Sendable {
    public let layout: LossMath.Layout
    public let temperature: Double
    /// What the loss is multiplied by.
    public let weight: Double

    public init(layout: LossMath.Layout, temperature: Double, weight: Double) {
      self.layout = layout
      self.temperature = temperature
      self.weight = weight
    }
  }

  /// - Parameter parts: room for a number a row.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func forward<T: Real>(
    _ student: UnsafePointer<T>, _ teacher: UnsafePointer<T>, _ loss: UnsafeMutablePointer<T>,
    parts: UnsafeMutablePointer<Double>, _ settings: Settings, workers: Workers
  ) {
    let (layout, scale) = (settings.layout, T(1 / settings.temperature))
    workers.forEachRange(of: layout.rows, grain: layout.grain) { range in
      for row in range {
        let (a, b) = (student + layout.start(of: row), teacher + layout.start(of: row))
        let totalA = LossMath.logSum(a, layout, scale: scale)
        let totalB = LossMath.logSum(b, layout, scale: scale)
        var sum = 0.0
        for index in 0..<layout.classes {
          let logA = Double(a[index * layout.inner] * scale) - totalA
          let logB = Double(b[index * layout.inner] * scale) - totalB
          sum += Double(LossMath.exponential(T(logB))) * (logB - logA)
        }
        parts[row] = sum
      }
    }
    let factor = settings.weight * settings.temperature * settings.temperature
    loss[0] = T(factor * LossMath.sum(parts, layout.rows) / Double(max(1, layout.rows)))
  }

  /// dx ← T·(softmax(student/T) − softmax(teacher/T))·dy/rows.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ student: UnsafePointer<T>, _ teacher: UnsafePointer<T>, upstream: T, _ output: UnsafeMutablePointer<T>,
    _ settings: Settings, workers: Workers
  ) {
    let (layout, scale) = (settings.layout, T(1 / settings.temperature))
    let factor = upstream * T(settings.weight * settings.temperature / Double(max(1, layout.rows)))
    workers.forEachRange(of: layout.rows, grain: layout.grain) { range in
      for row in range {
        let start = layout.start(of: row)
        let totalA = T(LossMath.logSum(student + start, layout, scale: scale))
        let totalB = T(LossMath.logSum(teacher + start, layout, scale: scale))
        for index in 0..<layout.classes {
          let place = start + index * layout.inner
          let difference =
            LossMath.exponential(student[place] * scale - totalA)
            - LossMath.exponential(teacher[place] * scale - totalB)
          output[place] = difference * factor
        }
      }
    }
  }
}
