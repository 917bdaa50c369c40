import Glibc

/// Losses that are means over elements.
public enum ElementLosses {
  public enum Kind: Sendable {
    /// (x − t)².
    case squaredError
    /// −t·log σ(x) − (1 − t)·log(1 − σ(x)).
    case binaryCrossEntropy
  }

  /// Elements a piece of work has; sums of pieces are added up in order.
  static let grain = 16_384

  public static func pieces(_ count: Int) -> Int { (count + grain - 1) / grain }

  /// - Parameter parts: room for ``pieces(_:)`` numbers.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func forward<T: Real>(
    _ kind: Kind, _ x: UnsafePointer<T>, _ target: UnsafePointer<T>, _ loss: UnsafeMutablePointer<T>, count: Int,
    weight: Double, parts: UnsafeMutablePointer<Double>, workers: Workers
  ) {
    workers.forEachRange(of: count, grain: grain) { range in
      var sum = 0.0
      switch kind {
      case .squaredError:
        for index in range {
          let difference = Double(x[index]) - Double(target[index])
          sum += difference * difference
        }
      case .binaryCrossEntropy:
        for index in range {
          let (logit, target) = (Double(x[index]), Double(target[index]))
          sum += max(logit, 0) - logit * target + log1p(exp(-abs(logit)))
        }
      }
      parts[range.lowerBound / grain] = sum
    }
    loss[0] = T(weight * LossMath.sum(parts, pieces(count)) / Double(max(1, count)))
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ kind: Kind, _ x: UnsafePointer<T>, _ target: UnsafePointer<T>, upstream: T, _ output: UnsafeMutablePointer<T>,
    count: Int, weight: Double, workers: Workers
  ) {
    let factor = upstream * T(weight / Double(max(1, count)))
    workers.forEachRange(of: count, grain: grain) { range in
      switch kind {
      case .squaredError:
        for index in range { output[index] = (x[index] - target[index]) * (factor + factor) }
      case .binaryCrossEntropy:
        for index in range {
          let sigmoid = 1 / (1 + LossMath.exponential(-x[index]))
          output[index] = (sigmoid - target[index]) * factor
        }
      }
    }
  }
}
