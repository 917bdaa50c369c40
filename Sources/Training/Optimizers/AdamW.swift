import Kernels

/// Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019): w ← w·(1 − η·λ) before each step.
public struct AdamW: UpdateRule, Equatable {
  private let adam: Adam
  public let weightDecay: Float

  public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01) {
    adam = Adam(beta1: beta1, beta2: beta2, epsilon: epsilon)
    self.weightDecay = weightDecay
  }

  public var description: String {
    "adamw beta1=\(adam.beta1) beta2=\(adam.beta2) epsilon=\(adam.epsilon) weight-decay=\(weightDecay)"
  }
  public var slots: Int { 2 }

  public func check() throws(TrainingError) {
    try adam.check()
    try require(weightDecay, "weight decay", upTo: .infinity)
  }

  public func update(
    _ values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, state: [UnsafeMutablePointer<Float>],
    count: Int, step: Int, rate: Double, scale: Float
  ) {
    let moments = adam.moments(
      step: step, rate: rate, scale: scale, coupledDecay: 0, shrinkage: Float(1 - rate * Double(weightDecay)))
    Updates.adapt(values, gradient, mean: state[0], square: state[1], count: count, moments)
  }

  public func direction(
    _ target: UnsafeMutablePointer<Float>, from values: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], count: Int, step: Int, scale: Float
  ) {
    adam.direction(target, from: values, gradient: gradient, state: state, count: count, step: step, scale: scale)
  }
}
