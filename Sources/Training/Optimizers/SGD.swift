import Kernels

/// Stochastic gradient descent with momentum, as in PyTorch: v ← μ·v + g + λ·w; w ← w − η·v, or w − η·(g + λ·w + μ·v)
/// with Nesterov's.
public struct SGD: UpdateRule, Equatable {
  public var momentum: Float
  public var isNesterov: Bool
  public var weightDecay: Float

  public init(momentum: Float = 0, isNesterov: Bool = false, weightDecay: Float = 0) {
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
  }

  public var description: String { "sgd momentum=\(momentum) nesterov=\(isNesterov) weight-decay=\(weightDecay)" }
  public var slots: Int { momentum == 0 ? 0 : 1 }

  public func check() throws(TrainingError) {
    try require(momentum, "momentum", upTo: 1)
    try require(weightDecay, "weight decay", upTo: .infinity)
    guard !isNesterov || momentum > 0 else {
      throw TrainingError(.settings, "Nesterov's momentum needs a momentum above 0")
    }
  }

  public func update(
    _ values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, state: [UnsafeMutablePointer<Float>],
    count: Int, step: Int, rate: Double, scale: Float
  ) {
    Updates.descend(
      values, gradient, velocity: state.first, count: count,
      Updates.Descent(
        rate: Float(rate), momentum: momentum, weightDecay: weightDecay, isNesterov: isNesterov, isFirst: step == 1,
        scale: scale))
  }

  public func direction(
    _ target: UnsafeMutablePointer<Float>, from values: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], count: Int, step: Int, scale: Float
  ) {
    let velocity = state.first
    for index in 0..<count {
      let slope = gradient[index] * scale + values[index] * weightDecay
      let speed = velocity?[index] ?? slope
      target[index] = isNesterov ? slope + speed * momentum : speed
    }
  }
}
