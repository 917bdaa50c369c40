extension ChannelNormalization {
  /// What backward reads.
  public struct Backward<T: Real> {
    public let x: UnsafePointer<T>
    public let scale: UnsafePointer<T>
    public let mean: UnsafePointer<T>
    /// 1/√(variance + ε), or the variance where statistics are frozen.
    public let deviation: UnsafePointer<T>
    public let gradient: UnsafePointer<T>
    /// The shift, where an activation follows: from it and x comes anew where the activation let numbers pass, which
    /// takes less memory and less time than to read the output.
    public let bias: UnsafePointer<T>?

    public init(
      x: UnsafePointer<T>, scale: UnsafePointer<T>, mean: UnsafePointer<T>, deviation: UnsafePointer<T>,
      gradient: UnsafePointer<T>, bias: UnsafePointer<T>?
    ) {
      self.x = x
      self.scale = scale
      self.mean = mean
      self.deviation = deviation
      self.gradient = gradient
      self.bias = bias
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

  /// The numbers of one channel.
  private struct Channel<T: Real> {
    let center: T
    /// What forward multiplied by and added.
    let factor: T
    let shift: T

    init(_ operands: Backward<T>, _ channel: Int) {
      center = operands.mean[channel]
      factor = T(Double(operands.scale[channel]) * Double(operands.deviation[channel]))
      shift = operands.bias?[channel] ?? 0
    }

    /// The gradient the activation lets pass at a distance from the mean.
    @inline(__always)
    func passed(_ gradient: SIMD8<T>, _ distance: SIMD8<T>, _ activation: Activation) -> SIMD8<T> {
      if activation == .none { return gradient }
      let value = distance * factor + SIMD8(repeating: shift)
      let zero = SIMD8<T>()
      let open = RowSums.select(gradient, zero, where: value, exceeds: zero)
      return activation == .relu ? open : RowSums.select(open, zero, where: SIMD8(repeating: 6), exceeds: value)
    }

    @inline(__always)
    func passed(_ gradient: T, _ distance: T, _ activation: Activation) -> T {
      if activation == .none { return gradient }
      let value = distance * factor + shift
      return value <= 0 || (activation == .clip6 && value >= 6) ? 0 : gradient
    }
  }

  /// Σ g and Σ g·(x − mean), where g is the gradient the activation lets pass.
  private static func sums<T: Real>(
    _ operands: Backward<T>, _ channel: Int, _ activation: Activation, _ layout: Layout
  ) -> (sum: Double, products: Double) {
    let numbers = Channel(operands, channel)
    var totals = (sum: 0.0, products: 0.0)
    var lanes = (SIMD8<T>(), SIMD8<T>())
    var pending = 0
    for sample in 0..<layout.batch {
      var start = layout.row(sample, channel)
      let end = start + layout.inner
      while start < end {
        let count = min(RowSums.block, end - start)
        let (x, gradient) = (operands.x + start, operands.gradient + start)
        switch activation {
        case .none: addSums(x, gradient, count, numbers, .none, &lanes)
        case .relu: addSums(x, gradient, count, numbers, .relu, &lanes)
        case .clip6: addSums(x, gradient, count, numbers, .clip6, &lanes)
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
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ count: Int, _ channel: Channel<T>,
    _ activation: Activation, _ lanes: inout (SIMD8<T>, SIMD8<T>)
  ) {
    let centers = SIMD8(repeating: channel.center)
    var (sum1, products1) = lanes
    var (sum2, products2) = (SIMD8<T>(), SIMD8<T>())
    var index = 0
    while index + 16 <= count {
      let (distance1, distance2) = (RowSums.load(x, index) - centers, RowSums.load(x, index + 8) - centers)
      let a = channel.passed(RowSums.load(gradient, index), distance1, activation)
      let b = channel.passed(RowSums.load(gradient, index + 8), distance2, activation)
      sum1 += a
      products1 += a * distance1
      sum2 += b
      products2 += b * distance2
      index += 16
    }
    while index < count {
      let distance = x[index] - channel.center
      let a = channel.passed(gradient[index], distance, activation)
      sum1[0] += a
      products1[0] += a * distance
      index += 1
    }
    lanes = (sum1 + sum2, products1 + products2)
  }

  /// dx ← factor·g + slope·(x − mean) + shift.
  private static func spread<T: Real>(
    _ operands: Backward<T>, _ channel: Int, _ activation: Activation, _ output: UnsafeMutablePointer<T>,
    _ layout: Layout, factor: T, slope: T, shift: T
  ) {
    let numbers = Channel(operands, channel)
    for sample in 0..<layout.batch {
      let start = layout.row(sample, channel)
      let (x, gradient, target) = (operands.x + start, operands.gradient + start, output + start)
      switch activation {
      case .none: spreadRow(x, gradient, target, layout.inner, numbers, .none, factor, slope, shift)
      case .relu: spreadRow(x, gradient, target, layout.inner, numbers, .relu, factor, slope, shift)
      case .clip6: spreadRow(x, gradient, target, layout.inner, numbers, .clip6, factor, slope, shift)
      }
    }
  }

  @inline(__always)
  private static func spreadRow<T: Real>(
    _ x: UnsafePointer<T>, _ gradient: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ count: Int,
    _ channel: Channel<T>, _ activation: Activation, _ factor: T, _ slope: T, _ shift: T
  ) {
    let centers = SIMD8(repeating: channel.center)
    let (factors, slopes, shifts) = (SIMD8(repeating: factor), SIMD8(repeating: slope), SIMD8(repeating: shift))
    var index = 0
    while index + 8 <= count {
      let distance = RowSums.load(x, index) - centers
      let passed = channel.passed(RowSums.load(gradient, index), distance, activation)
      RowSums.store(passed * factors + (distance * slopes + shifts), target, index)
      index += 8
    }
    while index < count {
      let distance = x[index] - channel.center
      target[index] = channel.passed(gradient[index], distance, activation) * factor + (distance * slope + shift)
      index += 1
    }
  }
}
