import DataSources
import Runtime

/// Products of the Hessian with vectors, without second derivatives: differences of gradients at two points near the
/// weights, in double precision.
struct Curvature {
  private let gradients: LossGradients

  /// - Precondition: they are computed in double precision.
  init(_ gradients: LossGradients) {
    precondition(gradients.precision == .double, "differences of gradients drown in single precision")
    self.gradients = gradients
  }

  /// How far the weights are moved together, ε‖v‖.
  ///
  /// So little that hardly any ReLU changes sides. A network has millions of them, and what each adds where it is
  /// crossed does not get smaller with the step, only rarer: at 1e-3 it is several times the second derivative itself,
  /// which has no kinks. In double precision rounding is still a millionth of the product.
  private static let step = 1e-9

  /// Whether directions lead along a parameter: along matrices and kernels, as in the papers, and not along vectors.
  ///
  /// Where a kernel sees nothing but zeros, as behind ReLU it may, a bias of zero puts what it computes exactly on the
  /// next kink. Kernels may be moved then as they like, but the smallest step of the bias leaves the kink.
  static func isMoved(_ parameter: Parameter) -> Bool { parameter.shape.count > 1 }

  /// H·v ≈ (∇L(θ + εv) − ∇L(θ − εv)) / 2ε for every trained parameter, of the Hessian of the mean loss, where v is the
  /// part of a direction that parameters are moved along. They are moved in place and come back as they were.
  /// - Parameter report: is told how many more samples are done, of two passes over all.
  func product(
    with whole: [[Double]], _ report: (_ samples: Int) throws -> Void
  ) throws -> [[Double]] {
    let direction = zip(gradients.parameters.trained, whole).map { parameter, numbers in
      Self.isMoved(parameter) ? numbers : [Double](repeating: 0, count: numbers.count)
    }
    let squares = direction.map { numbers in numbers.reduce(0.0) { $0 + $1 * $1 } }
    let norm = squares.reduce(0, +).squareRoot()
    guard norm > 0, norm.isFinite else { return gradients.zeros() }
    let epsilon = Self.step / norm
    let parameters = gradients.parameters
    let weights = parameters.trained.map { parameters.elements(of: $0) }
    defer { for (parameter, weight) in zip(parameters.trained, weights) { parameters.set(weight, of: parameter) } }
    move(from: weights, by: epsilon, direction)
    var product = try gradients.mean(report)
    move(from: weights, by: -epsilon, direction)
    let other = try gradients.mean(report)
    for (index, numbers) in other.enumerated() {
      for (element, number) in numbers.enumerated() {
        product[index][element] = (product[index][element] - number) / (2 * epsilon)
      }
    }
    return product
  }

  private func move(from weights: [[Double]], by factor: Double, _ direction: [[Double]]) {
    for (index, parameter) in gradients.parameters.trained.enumerated() {
      let moved = zip(weights[index], direction[index]).map { weight, slope in weight + factor * slope }
      gradients.parameters.set(moved, of: parameter)
    }
  }

  /// The diagonal of the Hessian by Hutchinson's estimator, E[v ⊙ Hv] over vectors v of random signs (Bekas et al., "An
  /// estimator for the diagonal of a matrix", 2007). Its error is that of the entries beside the diagonal, which fall
  /// out on average only. Of parameters that are not moved it says nothing: theirs is zero.
  /// - Parameter report: is told how many more samples are done, of two passes over all for each probe.
  func diagonal(
    probes: Int, seed: UInt64, _ report: (_ samples: Int) throws -> Void
  ) throws -> [[Double]] {
    var sums = gradients.zeros()
    for probe in 0..<max(1, probes) {
      let signs = gradients.parameters.trained.map { Self.signs($0, probe: probe, seed: seed) }
      let product = try product(with: signs, report)
      for (index, parameter) in gradients.parameters.trained.enumerated() where Self.isMoved(parameter) {
        for element in sums[index].indices {
          sums[index][element] += signs[index][element] * product[index][element] / Double(max(1, probes))
        }
      }
    }
    return sums
  }

  /// Ones and minus ones, drawn by the parameter's name, so that they do not depend on what else is measured.
  private static func signs(_ parameter: Parameter, probe: Int, seed: UInt64) -> [Double] {
    // FNV-1a.
    let name = parameter.name.utf8.reduce(UInt64(14_695_981_039_346_656_037)) {
      ($0 ^ UInt64($1)) &* 1_099_511_628_211
    }
    var random = CounterRandom(seed: seed, Self.probeMark, probe, Int(truncatingIfNeeded: name))
    var bits: UInt64 = 0
    return (0..<parameter.count).map { element -> Double in
      if element % 64 == 0 { bits = random.next() }
      defer { bits >>= 1 }
      return bits & 1 == 0 ? 1 : -1
    }
  }

  /// Far from what other draws from the same seed are for.
  private static let probeMark = -3
}
