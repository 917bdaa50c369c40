/// Layer and RMS normalization: every row of `width` neighbours is normalized, then scaled and shifted column by
/// column.
public enum RowNormalization {
  public struct Layout: Sendable {
    public let rows: Int
    public let width: Int
    /// Whether the mean is subtracted; RMS normalization leaves it.
    public let isCentered: Bool

    public init(rows: Int, width: Int, isCentered: Bool) {
      self.rows = rows
      self.width = width
      self.isCentered = isCentered
    }

    var grain: Int { max(1, 16_384 / max(1, width)) }

    /// Pieces that collect the gradients of scale and shift apart: as many as rows make worthwhile, so that no result
    /// depends on the number of threads.
    public var pieces: Int { max(1, min(16, rows * width / 16_384)) }
  }

  /// Scale and shift hold `width` elements. `y` may be `x`.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, scale: UnsafePointer<T>?, bias: UnsafePointer<T>?, epsilon: Double,
    _ y: UnsafeMutablePointer<T>, means: UnsafeMutablePointer<T>?, inverses: UnsafeMutablePointer<T>?,
    _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.rows, grain: layout.grain) { range in
      for row in range {
        let start = row * layout.width
        let (mean, inverse) = statistics(x + start, layout, epsilon)
        means?[row] = mean
        inverses?[row] = inverse
        normalize(x + start, y + start, layout.width, mean, inverse, scale, bias)
      }
    }
  }

  @inline(__always)
  static func statistics<T: Real>(
    _ row: UnsafePointer<T>, _ layout: Layout, _ epsilon: Double
  ) -> (mean: T, inverse: T) {
    let count = Double(max(1, layout.width))
    let mean = layout.isCentered ? T(RowSums.sum(of: row, count: layout.width) / count) : 0
    let variance = RowSums.squares(of: row, count: layout.width, center: mean) / count
    return (mean, T(1 / (variance + epsilon).squareRoot()))
  }

  @inline(__always)
  private static func normalize<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ count: Int, _ mean: T, _ inverse: T,
    _ scale: UnsafePointer<T>?, _ bias: UnsafePointer<T>?
  ) {
    if let scale, let bias {
      for index in 0..<count { y[index] = (x[index] - mean) * inverse * scale[index] + bias[index] }
    } else if let scale {
      for index in 0..<count { y[index] = (x[index] - mean) * inverse * scale[index] }
    } else {
      for index in 0..<count { y[index] = (x[index] - mean) * inverse + (bias?[index] ?? 0) }
    }
  }

  /// Gradients by dx = (g − mean(g) − x̂·mean(g·x̂))/deviation with g = dy·scale.
  ///
  /// `partials` holds 2 · ``Layout/pieces`` · width elements of scratch.
  /// - Parameters:
  ///   - scaleGradient: `width` elements: the caller sums them over the columns that share a scale.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ x: UnsafePointer<T>, scale: UnsafePointer<T>?, _ gradient: UnsafePointer<T>, epsilon: Double,
    _ output: UnsafeMutablePointer<T>?, scaleGradient: UnsafeMutablePointer<T>?,
    biasGradient: UnsafeMutablePointer<T>?, partials: UnsafeMutablePointer<T>, _ layout: Layout, workers: Workers
  ) {
    let (width, pieces) = (layout.width, layout.pieces)
    workers.forEach(pieces) { piece in
      let scales = partials + 2 * piece * width
      let biases = scales + width
      scales.update(repeating: 0, count: 2 * width)
      for row in (piece * layout.rows / pieces)..<((piece + 1) * layout.rows / pieces) {
        let start = row * width
        let (mean, inverse) = statistics(x + start, layout, epsilon)
        let sums = addColumns(x + start, scale, gradient + start, width, mean, inverse, scales, biases)
        guard let output else { continue }
        let count = Double(max(1, width))
        let slope = T(-sums.products * Double(inverse) * Double(inverse) * Double(inverse) / count)
        let shift = layout.isCentered ? T(-sums.sum * Double(inverse) / count) : 0
        spread(
          x + start, scale, gradient + start, output + start, width, mean, factor: inverse, slope: slope,
          shift: shift)
      }
    }
    for column in 0..<width {
      var (scaleTotal, biasTotal) = (0.0, 0.0)
      for piece in 0..<pieces {
        scaleTotal += Double(partials[2 * piece * width + column])
        biasTotal += Double(partials[(2 * piece + 1) * width + column])
      }
      scaleGradient?[column] = T(scaleTotal)
      biasGradient?[column] = T(biasTotal)
    }
  }

  /// Adds a row to the gradients of scales and shifts.
  /// - Returns: Σ g and Σ g·(x − mean) with g = dy·scale.
  @inline(__always)
  private static func addColumns<T: Real>(
    _ x: UnsafePointer<T>, _ scale: UnsafePointer<T>?, _ gradient: UnsafePointer<T>, _ count: Int, _ mean: T,
    _ inverse: T, _ scales: UnsafeMutablePointer<T>, _ biases: UnsafeMutablePointer<T>
  ) -> (sum: Double, products: Double) {
    let (means, inverses) = (SIMD8(repeating: mean), SIMD8(repeating: inverse))
    var totals = (sum: 0.0, products: 0.0)
    var index = 0
    while index + 8 <= count {
      let end = min(count, index + RowSums.block)
      var (sum, products) = (SIMD8<T>(), SIMD8<T>())
      while index + 8 <= end {
        let arriving = RowSums.load(gradient, index)
        let distance = RowSums.load(x, index) - means
        RowSums.store(RowSums.load(scales, index) + arriving * (distance * inverses), scales, index)
        RowSums.store(RowSums.load(biases, index) + arriving, biases, index)
        let scaled = scale.map { arriving * RowSums.load($0, index) } ?? arriving
        sum += scaled
        products += scaled * distance
        index += 8
      }
      totals.sum += Double(sum.sum())
      totals.products += Double(products.sum())
    }
    while index < count {
      let distance = x[index] - mean
      scales[index] += gradient[index] * (distance * inverse)
      biases[index] += gradient[index]
      let scaled = gradient[index] * (scale?[index] ?? 1)
      totals.sum += Double(scaled)
      totals.products += Double(scaled * distance)
      index += 1
    }
    return totals
  }

  /// dx ← factor·dy·scale + slope·(x − mean) + shift.
  @inline(__always)
  private static func spread<T: Real>(
    _ x: UnsafePointer<T>, _ scale: UnsafePointer<T>?, _ gradient: UnsafePointer<T>,
    _ output: UnsafeMutablePointer<T>, _ width: Int, _ mean: T, factor: T, slope: T, shift: T
  ) {
    guard let scale else {
      for index in 0..<width { output[index] = gradient[index] * factor + ((x[index] - mean) * slope + shift) }
      return
    }
    for index in 0..<width {
      output[index] = gradient[index] * scale[index] * factor + ((x[index] - mean) * slope + shift)
    }
  }
}

extension RowSums {
  @inline(__always)
  static func load<T: Real>(_ elements: UnsafeMutablePointer<T>, _ index: Int) -> SIMD8<T> {
    load(UnsafePointer(elements), index)
  }
}
