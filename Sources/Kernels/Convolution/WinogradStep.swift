/// One side of Winograd's minimal filtering F(4, 3) along one axis, on eight tiles at once: Lavin and Gray, *Fast
/// Algorithms for Convolutional Neural Networks* (2015), with the interpolation points 0, ±1, ±2, ∞.
///
/// With `y = Aᵀ[(G g) ⊙ (Bᵀ d)]` for four outputs y of six inputs d and a filter g, the filter's gradient is
/// `Gᵀ[(A dy) ⊙ (Bᵀ d)]`.
protocol WinogradStep {
  static var sources: Int { get }
  static var results: Int { get }
  static func apply(
    _ source: UnsafePointer<Float>, _ sourceStride: Int, _ result: UnsafeMutablePointer<Float>, _ resultStride: Int)
}

extension WinogradStep {
  typealias Vector = SIMD8<Float>

  /// Applies the step along both axes of tiles whose elements are `sourceStride` apart.
  /// - Parameter memory: of `sources` · `results` vectors.
  @inline(__always)
  static func applyTwice(
    _ source: UnsafePointer<Float>, _ sourceStride: Int, _ result: UnsafeMutablePointer<Float>, _ resultStride: Int,
    _ memory: UnsafeMutablePointer<Float>
  ) {
    for column in 0..<sources {
      apply(source + column * sourceStride, sources * sourceStride, memory + column * 8, sources * 8)
    }
    for row in 0..<results {
      apply(memory + row * sources * 8, 8, result + row * results * resultStride, resultStride)
    }
  }

  @inline(__always)
  static func load(_ source: UnsafePointer<Float>) -> Vector { Runs.load(source, Vector.self) }

  @inline(__always)
  static func store(_ vector: Vector, _ target: UnsafeMutablePointer<Float>) { Runs.store(vector, target) }
}

enum Winograd {
  /// Bᵀ
  enum Data: WinogradStep {
    static var sources: Int { 6 }
    static var results: Int { 6 }

    @inline(__always)
    static func apply(_ d: UnsafePointer<Float>, _ s: Int, _ v: UnsafeMutablePointer<Float>, _ r: Int) {
      let (d0, d1, d2) = (load(d), load(d + s), load(d + 2 * s))
      let (d3, d4, d5) = (load(d + 3 * s), load(d + 4 * s), load(d + 5 * s))
      let (even, odd) = (d4 - 4 * d2, d3 - 4 * d1)
      let (far, near) = (d4 - d2, 2 * (d3 - d1))
      store(4 * d0 - 5 * d2 + d4, v)
      store(even + odd, v + r)
      store(even - odd, v + 2 * r)
      store(far + near, v + 3 * r)
      store(far - near, v + 4 * r)
      store(4 * d1 - 5 * d3 + d5, v + 5 * r)
    }
  }

  /// G
  enum Filter: WinogradStep {
    static var sources: Int { 3 }
    static var results: Int { 6 }

    @inline(__always)
    static func apply(_ g: UnsafePointer<Float>, _ s: Int, _ u: UnsafeMutablePointer<Float>, _ r: Int) {
      let (g0, g1, g2) = (load(g), load(g + s), load(g + 2 * s))
      let (outer, inner) = ((g0 + g2) * (-1.0 / 6), g1 * (1.0 / 6))
      let (even, odd) = (g0 * (1.0 / 24) + g2 * (1.0 / 6), g1 * (1.0 / 12))
      store(g0 * 0.25, u)
      store(outer - inner, u + r)
      store(outer + inner, u + 2 * r)
      store(even + odd, u + 3 * r)
      store(even - odd, u + 4 * r)
      store(g2, u + 5 * r)
    }
  }

  /// Aᵀ
  enum Output: WinogradStep {
    static var sources: Int { 6 }
    static var results: Int { 4 }

    @inline(__always)
    static func apply(_ m: UnsafePointer<Float>, _ s: Int, _ y: UnsafeMutablePointer<Float>, _ r: Int) {
      let (m1, m2, m3, m4) = (load(m + s), load(m + 2 * s), load(m + 3 * s), load(m + 4 * s))
      let (sum1, difference1, sum2, difference2) = (m1 + m2, m1 - m2, m3 + m4, m3 - m4)
      store(load(m) + sum1 + sum2, y)
      store(difference1 + 2 * difference2, y + r)
      store(sum1 + 4 * sum2, y + 2 * r)
      store(difference1 + 8 * difference2 + load(m + 5 * s), y + 3 * r)
    }
  }

  /// A
  enum OutputGradient: WinogradStep {
    static var sources: Int { 4 }
    static var results: Int { 6 }

    @inline(__always)
    static func apply(_ y: UnsafePointer<Float>, _ s: Int, _ z: UnsafeMutablePointer<Float>, _ r: Int) {
      let (y0, y1, y2, y3) = (load(y), load(y + s), load(y + 2 * s), load(y + 3 * s))
      let (even, odd) = (y0 + y2, y1 + y3)
      let (wideEven, wideOdd) = (y0 + 4 * y2, 2 * y1 + 8 * y3)
      store(y0, z)
      store(even + odd, z + r)
      store(even - odd, z + 2 * r)
      store(wideEven + wideOdd, z + 3 * r)
      store(wideEven - wideOdd, z + 4 * r)
      store(y3, z + 5 * r)
    }
  }

  /// Gᵀ
  enum FilterGradient: WinogradStep {
    static var sources: Int { 6 }
    static var results: Int { 3 }

    @inline(__always)
    static func apply(_ m: UnsafePointer<Float>, _ s: Int, _ g: UnsafeMutablePointer<Float>, _ r: Int) {
      let (m1, m2, m3, m4) = (load(m + s), load(m + 2 * s), load(m + 3 * s), load(m + 4 * s))
      let (near, far) = ((m1 + m2) * (1.0 / 6), m3 + m4)
      store(load(m) * 0.25 - near + far * (1.0 / 24), g)
      store((m2 - m1) * (1.0 / 6) + (m3 - m4) * (1.0 / 12), g + r)
      store(far * (1.0 / 6) - near + load(m + 5 * s), g + 2 * r)
    }
  }
}
