extension ChannelNormalization {
  /// What backward reads.
  public struct Backward<T: Real> {
    public let x: UnsafePointer<T>
    public let scale: UnsafePointer<T>
    public let mean: UnsafePointer<T>
    /// 1/√(variance + ε), or the variance where statistics are frozen.
    public let deviation: UnsafePointer<T>
    public let gradient: UnsafePointer<T>
    /// The output, which tells where the activation let the gradient pass.
    public let y: UnsafePointer<T>?

    public init(
      x: UnsafePointer<T>, scale: UnsafePointer<T>, mean: UnsafePointer<T>, deviation: UnsafePointer<T>,
      gradient: UnsafePointer<T>, y: UnsafePointer<T>?
    ) {
      self.x = x
      self.scale = scale
      self.mean = mean
      self.deviation = deviation
      self.gradient = gradient
      self.y = y
    }
  }

  /// Gradients, where they are asked for.
  public struct Gradients<T: Real> {
    public var x: UnsafeMutablePointer<T>?
    public var scale: UnsafeMutablePointer<T>?
    public var bias: UnsafeMutablePointer<T>?
    public var mean: UnsafeMutablePointer<T>?
    public var variance: UnsafeMutablePointer<T>?

    public init(
      x: UnsafeMutablePointer<T>?, scale: UnsafeMutablePointer<T>?, bias: UnsafeMutablePointer<T>?,
      mean: UnsafeMutablePointer<T>? = nil, variance: UnsafeMutablePointer<T>? = nil
    ) {
      self.x = x
      self.scale = scale
      self.bias = bias
      self.mean = mean
      self.variance = variance
    }
  }

  /// The gradient of training: with x̂ = (x − mean)/deviation over m elements,
  /// dx = scale/deviation · (dy − Σdy/m − x̂·Σ(dy·x̂)/m).
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ operands: Backward<T>, _ activation: Activation, _ results: Gradients<T>, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.channels, grain: layout.grain) { range in
      for channel in range {
        let inverse = Double(operands.deviation[channel])
        let (sum, products) = sums(operands, channel, activation, layout)
        results.scale?[channel] = T(products * inverse)
        results.bias?[channel] = T(sum)
        guard let output = results.x else { continue }
        let factor = Double(operands.scale[channel]) * inverse
        let count = Double(max(1, layout.count))
        spread(
          operands, channel, activation, output, layout, factor: T(factor),
          slope: T(-factor * inverse * inverse * products / count), shift: T(-factor * sum / count))
      }
    }
  }

  /// The gradient where statistics are given numbers, towards them as well.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func frozenGradient<T: Real>(
    _ operands: Backward<T>, epsilon: Double, _ results: Gradients<T>, _ layout: Layout, workers: Workers
  ) {
    workers.forEachRange(of: layout.channels, grain: layout.grain) { range in
      for channel in range {
        let inverse = 1 / (Double(operands.deviation[channel]) + epsilon).squareRoot()
        let factor = Double(operands.scale[channel]) * inverse
        let (sum, products) = sums(operands, channel, .none, layout)
        results.scale?[channel] = T(products * inverse)
        results.bias?[channel] = T(sum)
        results.mean?[channel] = T(-factor * sum)
        results.variance?[channel] = T(-0.5 * factor * inverse * inverse * products)
        guard let output = results.x else { continue }
        spread(operands, channel, .none, output, layout, factor: T(factor), slope: 0, shift: 0)
      }
    }
  }

  /// Σ g and Σ g·(x − mean), where g is the gradient the activation lets pass.
  private static func sums<T: Real>(
    _ operands: Backward<T>, _ channel: Int, _ activation: Activation, _ layout: Layout
  ) -> (sum: Double, products: Double) {
    var totals = (sum: 0.0, products: 0.0)
    var lanes = (SIMD8<T>(), SIMD8<T>())
    var pending = 0
    for sample in 0..<layout.batch {
      var start = layout.row(sample, channel)
      let end = start + layout.inner
      while start < end {
        let count = min(RowSums.block, end - start)
        switch activation {
        case .none: addSums(operands, start, count, channel, .none, &lanes)
        case .relu: addSums(operands, start, count, channel, .relu, &lanes)
        case .clip6: addSums(operands, start, count, channel, .clip6, &lanes)
        }
        start += count
        pending += count
        guard pending >= RowSums.block else { continue }
        totals.sum += Double(lanes.0.sum())
        totals.products += Double(lanes.1.sum())
        lanes = (SIMD8(), SIMD8())
        pending = 0
      }
    }
    return (totals.sum + Double(lanes.0.sum()), totals.products + Double(lanes.1.sum()))
  }

  @inline(__always)
  private static func addSums<T: Real>(
    _ operands: Backward<T>, _ start: Int, _ count: Int, _ channel: Int, _ activation: Activation,
    _ lanes: inout (SIMD8<T>, SIMD8<T>)
  ) {
    let (x, gradient) = (operands.x + start, operands.gradient + start)
    let y = (operands.y ?? operands.x) + start
    let center = operands.mean[channel]
    let centers = SIMD8(repeating: center)
    var (sum1, products1) = lanes
    var (sum2, products2) = (SIMD8<T>(), SIMD8<T>())
    var index = 0
    while index + 16 <= count {
      let a = masked(RowSums.load(gradient, index), RowSums.load(y, index), activation)
      let b = masked(RowSums.load(gradient, index + 8), RowSums.load(y, index + 8), activation)
      sum1 += a
      products1 += a * (RowSums.load(x, index) - centers)
      sum2 += b
      products2 += b * (RowSums.load(x, index + 8) - centers)
      index += 16
    }
    while index < count {
      let a = masked(gradient[index], y[index], activation)
      sum1[0] += a
      products1[0] += a * (x[index] - center)
      index += 1
    }
    lanes = (sum1 + sum2, products1 + products2)
  }

  /// dx ← factor·g + slope·(x − mean) + shift.
  private static func spread<T: Real>(
    _ operands: Backward<T>, _ channel: Int, _ activation: Activation, _ output: UnsafeMutablePointer<T>,
    _ layout: Layout, factor: T, slope: T, shift: T
  ) {
    let constant = shift - slope * operands.mean[channel]
    for sample in 0..<layout.batch {
      let start = layout.row(sample, channel)
      switch activation {
      case .none: spreadRow(operands, start, layout.inner, .none, output, factor, slope, constant)
      case .relu: spreadRow(operands, start, layout.inner, .relu, output, factor, slope, constant)
      case .clip6: spreadRow(operands, start, layout.inner, .clip6, output, factor, slope, constant)
      }
    }
  }

  @inline(__always)
  private static func spreadRow<T: Real>(
    _ operands: Backward<T>, _ start: Int, _ count: Int, _ activation: Activation,
    _ output: UnsafeMutablePointer<T>, _ factor: T, _ slope: T, _ constant: T
  ) {
    let (x, gradient) = (operands.x + start, operands.gradient + start)
    let y = (operands.y ?? operands.x) + start
    let result = output + start
    let (factors, slopes) = (SIMD8(repeating: factor), SIMD8(repeating: slope))
    let constants = SIMD8(repeating: constant)
    var index = 0
    while index + 8 <= count {
      let passed = masked(RowSums.load(gradient, index), RowSums.load(y, index), activation)
      RowSums.store(passed * factors + (RowSums.load(x, index) * slopes + constants), result, index)
      index += 8
    }
    while index < count {
      result[index] = masked(gradient[index], y[index], activation) * factor + (x[index] * slope + constant)
      index += 1
    }
  }

  @inline(__always)
  private static func masked<T: Real>(_ gradient: SIMD8<T>, _ y: SIMD8<T>, _ activation: Activation) -> SIMD8<T> {
    switch activation {
    case .none: gradient
    case .relu: gradient.replacing(with: 0, where: y .<= 0)
    case .clip6: gradient.replacing(with: 0, where: y .<= 0).replacing(with: 0, where: y .>= 6)
    }
  }

  @inline(__always)
  private static func masked<T: Real>(_ gradient: T, _ y: T, _ activation: Activation) -> T {
    switch activation {
    case .none: gradient
    case .relu: y <= 0 ? 0 : gradient
    case .clip6: y <= 0 || y >= 6 ? 0 : gradient
    }
  }
}
