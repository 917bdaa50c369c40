import Glibc

/// How the scores that the weights of a group give a channel become one.
public enum Aggregation: String, Sendable, CaseIterable {
  case sum
  case mean
  case max
  /// The product to the power of one over the number of weights, which ranks as the product does and neither
  /// overflows nor vanishes with many weights: the geometric mean.
  case product
  /// The score of the first weight, in the order of the model.
  case first

  /// One number a channel out of one list a weight.
  func combine(_ scores: [[Double]], count: Int) -> [Double] {
    guard let first = scores.first else { return [Double](repeating: 0, count: count) }
    return (0..<count).map { channel in
      switch self {
      case .sum: scores.reduce(0) { $0 + $1[channel] }
      case .mean: scores.reduce(0) { $0 + $1[channel] } / Double(scores.count)
      // A number that is not one has to show in the result, which comparisons would not ensure.
      case .max: scores.reduce(-Double.infinity) { $0.isNaN || $1[channel].isNaN ? .nan : Swift.max($0, $1[channel]) }
      case .product: exp(scores.reduce(0) { $0 + log(Swift.max($1[channel], 0)) } / Double(scores.count))
      case .first: first[channel]
      }
    }
  }
}
