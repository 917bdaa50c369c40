import Glibc

/// The negative log-likelihood of labels under log-probabilities of `outer` × `classes` × `inner`.
public struct LikelihoodTerms: Sendable {
  public enum Averaging: Sendable { case none, sum, mean }

  public let outer: Int
  public let classes: Int
  public let inner: Int
  public let averaging: Averaging
  public let ignoredLabel: Int?

  public init(outer: Int, classes: Int, inner: Int, averaging: Averaging, ignoredLabel: Int?) {
    self.outer = outer
    self.classes = classes
    self.inner = inner
    self.averaging = averaging
    self.ignoredLabel = ignoredLabel
  }

  /// The first label that names no class, if there is one.
  public func strayLabel<L: FixedWidthInteger>(_ labels: UnsafePointer<L>) -> Int? {
    for index in 0..<outer * inner {
      let label = Int(clamping: labels[index])
      if label != ignoredLabel, label < 0 || label >= classes { return label }
    }
    return nil
  }

  @inline(__always)
  private func weight<T: Real>(_ label: Int, _ weights: UnsafePointer<T>?) -> Double {
    label == ignoredLabel ? 0 : weights.map { Double($0[label]) } ?? 1
  }

  private func totalWeight<T: Real, L: FixedWidthInteger>(
    _ labels: UnsafePointer<L>, _ weights: UnsafePointer<T>?
  ) -> Double {
    (0..<outer * inner).reduce(0) { $0 + weight(Int(clamping: labels[$1]), weights) }
  }

  /// `labels` must hold no stray one.
  public func loss<T: Real, L: FixedWidthInteger>(
    logProbabilities: UnsafePointer<T>, labels: UnsafePointer<L>, weights: UnsafePointer<T>?,
    _ y: UnsafeMutablePointer<T>
  ) {
    var sum = 0.0
    for index in 0..<outer * inner {
      let label = Int(clamping: labels[index])
      let weight = weight(label, weights)
      let place = (index / inner * classes + (label == ignoredLabel ? 0 : label)) * inner + index % inner
      let loss = label == ignoredLabel ? 0 : -weight * Double(logProbabilities[place])
      if averaging == .none { y[index] = T(loss) } else { sum += loss }
    }
    if averaging == .sum { y[0] = T(sum) }
    if averaging == .mean { y[0] = T(sum / totalWeight(labels, weights)) }
  }

  /// The gradient towards log-probabilities; towards scores where `logProbabilities` are given, which softmax made of
  /// them.
  public func gradient<T: Real, L: FixedWidthInteger>(
    labels: UnsafePointer<L>, weights: UnsafePointer<T>?, _ g: UnsafePointer<T>, logProbabilities: UnsafePointer<T>?,
    _ x: UnsafeMutablePointer<T>
  ) {
    let scale = averaging == .mean ? 1 / totalWeight(labels, weights) : 1
    for index in 0..<outer * inner {
      let label = Int(clamping: labels[index])
      let factor = T(weight(label, weights) * scale) * g[averaging == .none ? index : 0]
      let start = index / inner * classes * inner + index % inner
      for category in 0..<classes {
        let place = start + category * inner
        let likelihood = logProbabilities.map { T(Glibc.exp(Double($0[place]))) } ?? 0
        x[place] = label == ignoredLabel ? 0 : factor * (likelihood - (category == label ? 1 : 0))
      }
    }
  }
}
