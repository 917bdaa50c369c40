import Glibc

/// Normalizations along an axis that need not be the last: by a norm, by the energy of neighbouring channels, by mean
/// and deviation over any axes.
public enum AxisNormalization {
  /// A tensor seen as `outer` × `count` × `inner`, the middle being the axis at hand.
  public struct Layout: Sendable {
    public let outer: Int
    public let count: Int
    public let inner: Int

    public init(outer: Int, count: Int, inner: Int) {
      self.outer = outer
      self.count = count
      self.inner = inner
    }

    var grain: Int { max(1, 8_192 / max(1, count)) }
  }

  /// y ← x/‖x‖ with the norm of power 1 or 2; zeros stay zeros. `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func divideByNorm<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, power: Int, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.outer * layout.inner, grain: layout.grain) { range in
      for line in range {
        let start = (line / layout.inner) * layout.count * layout.inner + line % layout.inner
        let norm = norm(x + start, power, layout)
        let factor = norm == 0 ? 0 : T(1 / norm)
        for index in 0..<layout.count { y[start + index * layout.inner] = x[start + index * layout.inner] * factor }
      }
    }
  }

  /// dx ← (dy − s·Σ(dy·y))/‖x‖, where s is y for the power 2 and the sign for 1.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func normGradient<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, power: Int,
    _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.outer * layout.inner, grain: layout.grain) { range in
      for line in range {
        let start = (line / layout.inner) * layout.count * layout.inner + line % layout.inner
        let norm = norm(x + start, power, layout)
        let inverse = norm == 0 ? 0 : T(1 / norm)
        var products = 0.0
        for index in 0..<layout.count {
          let place = start + index * layout.inner
          products += Double(gradient[place]) * Double(x[place] * inverse)
        }
        for index in 0..<layout.count {
          let place = start + index * layout.inner
          let sign: T = x[place] > 0 ? 1 : (x[place] < 0 ? -1 : 0)
          let direction = power == 2 ? x[place] * inverse : sign
          output[place] = (gradient[place] - direction * T(products)) * inverse
        }
      }
    }
  }

  @inline(__always)
  private static func norm<T: Real>(_ x: UnsafePointer<T>, _ power: Int, _ layout: Layout) -> Double {
    var sum = 0.0
    for index in 0..<layout.count {
      let value = Double(x[index * layout.inner])
      sum += power == 2 ? value * value : abs(value)
    }
    return power == 2 ? sum.squareRoot() : sum
  }

  /// Local response normalization: y ← x·(bias + α/size·Σx²)^−β, the sum over neighbouring channels.
  public struct Response: Sendable {
    public let size: Int
    public let alpha: Double
    public let beta: Double
    public let bias: Double

    public init(size: Int, alpha: Double, beta: Double, bias: Double) {
      self.size = size
      self.alpha = alpha
      self.beta = beta
      self.bias = bias
    }

    @inline(__always)
    func neighbours(_ channel: Int, of count: Int) -> Range<Int> {
      max(0, channel - (size - 1) / 2)..<min(count, channel + size / 2 + 1)
    }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func respond<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ response: Response, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.outer * layout.count, grain: max(1, 4_096 / max(1, layout.inner))) { range in
      for row in range {
        let image = x + (row / layout.count) * layout.count * layout.inner
        let target = y + row * layout.inner
        energies(image, row % layout.count, target, response, layout)
        let source = x + row * layout.inner
        for index in 0..<layout.inner {
          target[index] = source[index] * inversePower(target[index], response.beta)
        }
      }
    }
  }

  /// bias + α/size·Σx² at each position.
  @inline(__always)
  private static func energies<T: Real>(
    _ image: UnsafePointer<T>, _ channel: Int, _ target: UnsafeMutablePointer<T>, _ response: Response,
    _ layout: Layout
  ) {
    let factor = T(response.alpha / Double(response.size))
    target.update(repeating: T(response.bias), count: layout.inner)
    for neighbour in response.neighbours(channel, of: layout.count) {
      let source = image + neighbour * layout.inner
      for index in 0..<layout.inner { target[index] += factor * source[index] * source[index] }
    }
  }

  @inline(__always)
  private static func inversePower<T: Real>(_ base: T, _ exponent: Double) -> T {
    if exponent == 0.75 {
      let root = base.squareRoot()
      return 1 / (root * root.squareRoot())
    }
    return T(pow(Double(base), -exponent))
  }

  /// dx_j ← dy_j·s_j^−β − 2αβ/size·x_j·Σ_i dy_i·x_i·s_i^(−β−1) over those i whose neighbours j is among.
  ///
  /// `weights` is scratch of the tensor's size.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func responseGradient<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>,
    weights: UnsafeMutablePointer<T>, _ response: Response, _ layout: Layout, workers: Workers
  ) {
    let (inner, count) = (layout.inner, layout.count)
    let grain = max(1, 4_096 / max(1, inner))
    workers.forEachRange(of: layout.outer * count, grain: grain) { range in
      for row in range {
        let start = row * inner
        energies(x + (row / count) * count * inner, row % count, output + start, response, layout)
        for index in start..<(start + inner) {
          let energy = output[index]
          output[index] = gradient[index] * inversePower(energy, response.beta)
          weights[index] = output[index] * x[index] / energy
        }
      }
    }
    let factor = T(2 * response.alpha * response.beta / Double(response.size))
    workers.forEachRange(of: layout.outer * count, grain: grain) { range in
      for row in range {
        let (image, channel) = (row / count, row % count)
        // Channels that have this one among their neighbours: the window mirrored.
        let first = max(0, channel - response.size / 2)
        let last = min(count - 1, channel + (response.size - 1) / 2)
        for other in first...last {
          let weight = weights + (image * count + other) * inner
          for index in 0..<inner { output[row * inner + index] -= factor * x[row * inner + index] * weight[index] }
        }
      }
    }
  }
}
