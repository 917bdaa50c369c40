import Glibc
import Kernels

/// Adam (Kingma & Ba 2015), as in PyTorch: weight decay is added to the gradient.
public struct Adam: UpdateRule, Equatable {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Float
  public var weightDecay: Float

  public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  public var description: String {
    "adam beta1=\(beta1) beta2=\(beta2) epsilon=\(epsilon) weight-decay=\(weightDecay)"
  }
  public var slots: Int { 2 }

  public func check() throws(TrainingError) {
    try require(beta1, "beta1", upTo: 1)
    try require(beta2, "beta2", upTo: 1)
    try require(weightDecay, "weight decay", upTo: .infinity)
    guard epsilon.isFinite, epsilon > 0 else {
      throw TrainingError(.settings, "epsilon \(epsilon) must be above 0")
    }
  }

  public func update(
    _ values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>, state: [UnsafeMutablePointer<Float>],
    count: Int, step: Int, rate: Double, scale: Float
  ) {
    let moments = moments(step: step, rate: rate, scale: scale, coupledDecay: weightDecay, shrinkage: 1)
    Updates.adapt(values, gradient, mean: state[0], square: state[1], count: count, moments)
  }

  public func direction(
    _ target: UnsafeMutablePointer<Float>, from values: UnsafePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], count: Int, step: Int, scale: Float
  ) {
    let moments = moments(step: step, rate: 1, scale: scale, coupledDecay: 0, shrinkage: 1)
    let (mean, square) = (state[0], state[1])
    for index in 0..<count {
      target[index] = moments.rate * mean[index] / (square[index].squareRoot() * moments.inverseRoot + epsilon)
    }
  }

  func moments(step: Int, rate: Double, scale: Float, coupledDecay: Float, shrinkage: Float) -> Updates.Moments {
    let correction1 = 1 - pow(beta1, Double(step))
    let correction2 = 1 - pow(beta2, Double(step))
    return Updates.Moments(
      beta1: Float(beta1), beta2: Float(beta2), epsilon: epsilon, rate: Float(rate / correction1),
      inverseRoot: Float(1 / correction2.squareRoot()), coupledDecay: coupledDecay, shrinkage: shrinkage, scale: scale)
  }
}
