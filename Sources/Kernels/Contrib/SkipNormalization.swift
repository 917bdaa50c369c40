/// Normalization of the rows of a residual sum.
public enum SkipNormalization {
  /// What a row is normalized by.
  public struct Rule: Sendable {
    public var epsilon: Double
    /// Whether rows keep their mean: their root mean square takes the place of their deviation.
    public var keepsMean: Bool

    public init(epsilon: Double, keepsMean: Bool) { (self.epsilon, self.keepsMean) = (epsilon, keepsMean) }
  }

  /// Operands of the sum and of the normalization.
  public struct Operands<T: Real> {
    public var x: UnsafePointer<T>
    public var skip: UnsafePointer<T>
    /// Rows after which the skip repeats.
    public var skipRows: Int
    public var bias: UnsafePointer<T>?
    public var scale: UnsafePointer<T>
    public var shift: UnsafePointer<T>?

    public init(
      x: UnsafePointer<T>, skip: UnsafePointer<T>, skipRows: Int, bias: UnsafePointer<T>?, scale: UnsafePointer<T>,
      shift: UnsafePointer<T>?
    ) {
      (self.x, self.skip, self.skipRows) = (x, skip, skipRows)
      (self.bias, self.scale, self.shift) = (bias, scale, shift)
    }
  }

  /// Results that may be left out.
  public struct Extras<T: Real> {
    public var means: UnsafeMutablePointer<T>?
    public var inverses: UnsafeMutablePointer<T>?
    public var sums: UnsafeMutablePointer<T>?

    public init(
      means: UnsafeMutablePointer<T>? = nil, inverses: UnsafeMutablePointer<T>? = nil,
      sums: UnsafeMutablePointer<T>? = nil
    ) {
      (self.means, self.inverses, self.sums) = (means, inverses, sums)
    }
  }

  /// y = (s − mean)·inverse·scale + shift, s = x + skip + bias.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func forward<T: Real>(
    _ operands: Operands<T>, rule: Rule, rows: Int, width: Int, _ y: UnsafeMutablePointer<T>, _ extras: Extras<T>,
    workers: Workers
  ) {
    workers.forEachRange(of: rows, grain: max(1, 16_384 / max(1, width))) { range in
      for row in range {
        let into = y + row * width
        let (x, skip) = (operands.x + row * width, operands.skip + row % operands.skipRows * width)
        for index in 0..<width { into[index] = x[index] + skip[index] }
        if let bias = operands.bias { for index in 0..<width { into[index] += bias[index] } }
        if let sums = extras.sums { (sums + row * width).update(from: into, count: width) }
        let (mean, inverse) = statistics(UnsafePointer(into), width, rule)
        extras.means?[row] = mean
        extras.inverses?[row] = inverse
        for index in 0..<width { into[index] = (into[index] - mean) * inverse * operands.scale[index] }
        if let shift = operands.shift { for index in 0..<width { into[index] += shift[index] } }
      }
    }
  }

  private static func statistics<T: Real>(_ s: UnsafePointer<T>, _ width: Int, _ rule: Rule) -> (mean: T, inverse: T) {
    let mean =
      rule.keepsMean
      ? 0
      : sum(width) { _ in
        1
      } of: {
        s[$0]
      } / T(width)
    let square =
      sum(width) {
        s[$0] - mean
      } of: {
        s[$0] - mean
      } / T(width)
    return (mean, 1 / (square + T(rule.epsilon)).squareRoot())
  }

  /// Σ a(i)·b(i) in eight sums.
  @inline(__always)
  private static func sum<T: Real>(_ count: Int, _ a: (Int) -> T, of b: (Int) -> T) -> T {
    var sums = SIMD8<T>.zero
    let whole = count & ~7
    for start in stride(from: 0, to: whole, by: 8) {
      for lane in 0..<8 { sums[lane] += a(start + lane) * b(start + lane) }
    }
    var result = sums.sum()
    for index in whole..<count { result += a(index) * b(index) }
    return result
  }

  /// Gradients of a normalization of rows: ds = inverse·(g − mean(g) − n·mean(g∘n)) + added, g = dy∘scale, n the
  /// normalized row; where rows keep their mean, without mean(g). Scale and shift sum over rows.
  /// - Parameter partial: scale and shift for each piece of rows, `2·width` elements for each of ``pieces(rows:width:)``.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func backward<T: Real>(
    sums s: UnsafePointer<T>, scale: UnsafePointer<T>, above: UnsafePointer<T>, added: UnsafePointer<T>?, rule: Rule,
    rows: Int, width: Int, _ gradient: UnsafeMutablePointer<T>, scaleGradient: UnsafeMutablePointer<T>,
    shiftGradient: UnsafeMutablePointer<T>?, partial: UnsafeMutablePointer<T>, workers: Workers
  ) {
    let pieces = pieces(rows: rows, width: width)
    let grain = max(1, (rows + pieces - 1) / pieces)
    workers.forEachRange(of: rows, grain: grain) { range in
      let own = partial + range.lowerBound / grain * 2 * width
      own.update(repeating: 0, count: 2 * width)
      for row in range {
        let place = row * width
        backwardRow(
          s + place, scale, above + place, added.map { $0 + place }, rule, width, gradient + place, own, own + width)
      }
    }
    scaleGradient.update(repeating: 0, count: width)
    shiftGradient?.update(repeating: 0, count: width)
    for piece in 0..<((rows + grain - 1) / grain) {
      let own = partial + piece * 2 * width
      for index in 0..<width { scaleGradient[index] += own[index] }
      if let shiftGradient { for index in 0..<width { shiftGradient[index] += own[width + index] } }
    }
  }

  /// Into how many pieces rows are cut.
  public static func pieces(rows: Int, width: Int) -> Int {
    max(1, min(16, rows * width / 16_384))
  }

  private static func backwardRow<T: Real>(
    _ s: UnsafePointer<T>, _ scale: UnsafePointer<T>, _ above: UnsafePointer<T>, _ added: UnsafePointer<T>?,
    _ rule: Rule, _ width: Int, _ gradient: UnsafeMutablePointer<T>, _ scaleGradient: UnsafeMutablePointer<T>,
    _ shiftGradient: UnsafeMutablePointer<T>
  ) {
    let (mean, inverse) = statistics(s, width, rule)
    let level =
      rule.keepsMean
      ? 0
      : sum(width) {
        above[$0]
      } of: {
        scale[$0]
      } / T(width)
    let slope =
      sum(width) {
        above[$0] * scale[$0]
      } of: {
        (s[$0] - mean) * inverse
      } / T(width)
    for index in 0..<width {
      let normalized = (s[index] - mean) * inverse
      scaleGradient[index] += above[index] * normalized
      shiftGradient[index] += above[index]
      gradient[index] = inverse * (above[index] * scale[index] - level - normalized * slope)
    }
    if let added { for index in 0..<width { gradient[index] += added[index] } }
  }
}
