import Glibc

/// Exponentials of single numbers, and the activations of experts.
public enum Exponentials {
  public static func value<T: Real>(_ x: T) -> T { T(exp(Double(x))) }

  /// x ← f(x) by name; an unknown name leaves x as it is.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func activate<T: Real>(_ x: UnsafeMutablePointer<T>, _ count: Int, _ name: String) {
    switch name {
    case "relu": for index in 0..<count { x[index] = max(0, x[index]) }
    case "gelu":
      GeluKernels.forward(
        UnsafePointer(x), bias: nil, x, rows: 1, width: count, kind: .tanh, workers: .one)
    case "silu":
      GeluKernels.forward(
        UnsafePointer(x), bias: nil, x, rows: 1, width: count, kind: .quick(1), workers: .one)
    default: break
    }
  }
}

/// Values multiplied by activated gates: g·σ(α·g)·(v + β), after both are bounded.
public struct GatedActivation: Sendable {
  public let alpha: Float
  public let beta: Float
  public let limit: Float

  public init(alpha: Float, beta: Float, limit: Float) { (self.alpha, self.beta, self.limit) = (alpha, beta, limit) }

  /// Halves every row of `2·width` numbers, in place. Gates and values alternate, or come one half after the other.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public func apply<T: Real>(_ x: UnsafeMutablePointer<T>, rows: Int, width: Int, alternates: Bool) {
    let (bound, slope, shift) = (T(limit), T(alpha), T(beta))
    for row in 0..<rows {
      let (from, into) = (x + row * 2 * width, x + row * width)
      for index in 0..<width {
        let gate = min(alternates ? from[2 * index] : from[index], bound)
        let value = max(-bound, min(alternates ? from[2 * index + 1] : from[width + index], bound))
        into[index] = gate / (1 + Exponentials.value(-slope * gate)) * (value + shift)
      }
    }
  }
}
