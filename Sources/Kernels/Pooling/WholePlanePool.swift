import Glibc

/// Poolings over all positions of a plane.
public enum WholePlanePool {
  public enum Kind: Sendable, Equatable {
    case average, maximum
    case norm(power: Int)
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ kind: Kind, planes: Int, count: Int, workers: Workers
  ) {
    workers.forEachRange(of: planes, grain: max(1, 65_536 / max(1, count))) { range in
      for plane in range {
        let row = x + plane * count
        switch kind {
        case .average: y[plane] = T(RowSums.sum(of: row, count: count) / Double(max(1, count)))
        case .maximum: y[plane] = maximum(row, count)
        case .norm(let power): y[plane] = T(norm(row, count, power))
        }
      }
    }
  }

  @inline(__always)
  private static func maximum<T: Real>(_ row: UnsafePointer<T>, _ count: Int) -> T {
    var best = SIMD8<T>(repeating: -.infinity)
    var index = 0
    while index + 8 <= count {
      let next = RowSums.load(row, index)
      best = RowSums.select(next, best, where: next, exceeds: best)
      index += 8
    }
    var result = best.max()
    while index < count {
      if row[index] > result { result = row[index] }
      index += 1
    }
    return result
  }

  @inline(__always)
  private static func norm<T: Real>(_ row: UnsafePointer<T>, _ count: Int, _ power: Int) -> Double {
    if power == 2 { return RowSums.squares(of: row, count: count, center: 0).squareRoot() }
    var sum = 0.0
    for index in 0..<count { sum += pow(abs(Double(row[index])), Double(power)) }
    return pow(sum, 1 / Double(power))
  }

  /// Means do not need `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>?, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, _ kind: Kind,
    planes: Int, count: Int, workers: Workers
  ) {
    workers.forEachRange(of: planes, grain: max(1, 65_536 / max(1, count))) { range in
      for plane in range {
        let target = output + plane * count
        guard kind != .average, let row = x.map({ $0 + plane * count }) else {
          target.update(repeating: gradient[plane] / T(max(1, count)), count: count)
          continue
        }
        switch kind {
        case .average: break
        case .maximum:
          target.update(repeating: 0, count: count)
          let best = maximum(row, count)
          if let place = (0..<count).first(where: { row[$0] == best }) { target[place] = gradient[plane] }
        case .norm(let power):
          let norm = norm(row, count, power)
          for index in 0..<count {
            let value = Double(row[index])
            let slope = norm > 0 ? pow(abs(value) / norm, Double(power - 1)) : 0
            target[index] = T(Double(gradient[plane]) * (value < 0 ? -slope : (value > 0 ? slope : 0)))
          }
        }
      }
    }
  }
}
