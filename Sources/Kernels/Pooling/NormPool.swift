import Glibc

/// (Σ|x|^p)^(1/p) over sliding windows.
public enum NormPool {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, power: Int, _ geometry: PoolGeometry, workers: Workers
  ) {
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      for plane in range {
        let source = x + plane * geometry.inputCount
        var output = plane * geometry.outputCount
        geometry.forEachRow { depth, height in
          for width in 0..<geometry.width.output {
            y[output] = T(norm(source, depth, height, width, power, geometry))
            output += 1
          }
        }
      }
    }
  }

  @inline(__always)
  private static func norm<T: Real>(
    _ source: UnsafePointer<T>, _ depth: Int, _ height: Int, _ width: Int, _ power: Int, _ geometry: PoolGeometry
  ) -> Double {
    var sum = 0.0
    geometry.forEachElement(depth, height, width) { offset in
      sum += raised(abs(Double(source[offset])), power)
    }
    return power == 1 ? sum : (power == 2 ? sum.squareRoot() : pow(sum, 1 / Double(power)))
  }

  @inline(__always)
  private static func raised(_ value: Double, _ power: Int) -> Double {
    switch power {
    case 0: 1
    case 1: value
    case 2: value * value
    default: pow(value, Double(power))
    }
  }

  /// dx ← Σ dy·sign(x)·(|x|/y)^(p−1) over the windows an element is in.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, power: Int,
    _ geometry: PoolGeometry, workers: Workers
  ) {
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      for plane in range {
        let source = x + plane * geometry.inputCount
        let target = output + plane * geometry.inputCount
        target.update(repeating: 0, count: geometry.inputCount)
        var index = plane * geometry.outputCount
        geometry.forEachRow { depth, height in
          for width in 0..<geometry.width.output {
            let norm = norm(source, depth, height, width, power, geometry)
            let arriving = Double(gradient[index])
            index += 1
            guard norm > 0 else { continue }
            geometry.forEachElement(depth, height, width) { offset in
              let value = Double(source[offset])
              let slope = raised(abs(value) / norm, power - 1)
              target[offset] += T(arriving * (value < 0 ? -slope : (value > 0 ? slope : 0)))
            }
          }
        }
      }
    }
  }
}
