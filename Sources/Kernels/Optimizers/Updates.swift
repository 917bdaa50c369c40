/// The loops of optimizers: one pass over values, gradients and state.
public enum Updates {
  /// Stochastic gradient descent. Without momentum `velocity` is `nil`.
  public struct Descent: Sendable {
    public var rate: Float
    public var momentum: Float
    public var weightDecay: Float
    public var isNesterov: Bool
    /// The first step starts the velocity with the gradient itself.
    public var isFirst: Bool
    /// What gradients are multiplied by first: their clipping.
    public var scale: Float

    public init(
      rate: Float, momentum: Float, weightDecay: Float, isNesterov: Bool, isFirst: Bool, scale: Float
    ) {
      self.rate = rate
      self.momentum = momentum
      self.weightDecay = weightDecay
      self.isNesterov = isNesterov
      self.isFirst = isFirst
      self.scale = scale
    }
  }

  public static func descend(
    _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, velocity: UnsafeMutablePointer<Float>?,
    count: Int, _ settings: Descent
  ) {
    let (rate, decay, scale) = (settings.rate, settings.weightDecay, settings.scale)
    guard let velocity else {
      for index in 0..<count {
        let step = gradient[index] * scale + values[index] * decay
        values[index] = values[index] - step * rate
      }
      return
    }
    let momentum = settings.isFirst ? 0 : settings.momentum
    if settings.isNesterov {
      for index in 0..<count {
        let step = gradient[index] * scale + values[index] * decay
        let speed = velocity[index] * momentum + step
        velocity[index] = speed
        values[index] = values[index] - (step + speed * settings.momentum) * rate
      }
    } else {
      for index in 0..<count {
        let speed = velocity[index] * momentum + (gradient[index] * scale + values[index] * decay)
        velocity[index] = speed
        values[index] = values[index] - speed * rate
      }
    }
  }

  /// Adam's step with the corrections for its start worked into the numbers.
  public struct Moments: Sendable {
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    /// Learning rate over 1 − β₁ᵗ.
    public var rate: Float
    /// 1/√(1 − β₂ᵗ).
    public var inverseRoot: Float
    /// Added to the gradient, as in Adam.
    public var coupledDecay: Float
    /// What values are multiplied by first, as in AdamW.
    public var shrinkage: Float
    /// What gradients are multiplied by first: their clipping.
    public var scale: Float

    public init(
      beta1: Float, beta2: Float, epsilon: Float, rate: Float, inverseRoot: Float, coupledDecay: Float,
      shrinkage: Float, scale: Float
    ) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.rate = rate
      self.inverseRoot = inverseRoot
      self.coupledDecay = coupledDecay
      self.shrinkage = shrinkage
      self.scale = scale
    }
  }

  public static func adapt(
    _ values: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>,
    square: UnsafeMutablePointer<Float>, count: Int, _ settings: Moments
  ) {
    let (beta1, beta2) = (settings.beta1, settings.beta2)
    let (rest1, rest2) = (1 - beta1, 1 - beta2)
    for index in 0..<count {
      let slope = gradient[index] * settings.scale + values[index] * settings.coupledDecay
      let first = mean[index] * beta1 + slope * rest1
      let second = square[index] * beta2 + slope * slope * rest2
      mean[index] = first
      square[index] = second
      let root = second.squareRoot() * settings.inverseRoot + settings.epsilon
      values[index] = values[index] * settings.shrinkage - settings.rate * first / root
    }
  }

  /// total ← total + gradient.
  public static func add(_ gradient: UnsafePointer<Float>, to total: UnsafeMutablePointer<Float>, count: Int) {
    for index in 0..<count { total[index] += gradient[index] }
  }

  /// Σ x², in an order that depends on nothing but the count.
  public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
    ChannelProducts.product(x, x, count: count)
  }
}
