import Glibc

/// Activations that follow a product in one operator.
public enum FusedActivationKernels {
  public enum Kind: Sendable, Equatable {
    case none, relu, tanh, sigmoid, softsign
    case leakyRelu(Float)
    case elu(Float)
    case hardSigmoid(Float, Float)
    case clip(Float, Float)
    case thresholdedRelu(Float)
    case softplus
  }

  /// y ← f(y).
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(_ kind: Kind, _ y: UnsafeMutablePointer<T>, _ count: Int, workers: Workers) {
    guard kind != .none else { return }
    workers.forEachRange(of: count, grain: 16_384) { range in
      for index in range { y[index] = value(kind, y[index]) }
    }
  }

  @inline(__always)
  private static func value<T: Real>(_ kind: Kind, _ x: T) -> T {
    switch kind {
    case .none: x
    case .relu: x > 0 ? x : 0
    case .leakyRelu(let slope): x > 0 ? x : x * T(slope)
    case .tanh: T(Glibc.tanh(Double(x)))
    case .sigmoid: T(1 / (1 + exp(-Double(x))))
    case .softsign: x / (1 + abs(x))
    case .elu(let alpha): x > 0 ? x : T(Double(alpha) * expm1(Double(x)))
    case .hardSigmoid(let alpha, let beta): max(0, min(1, T(alpha) * x + T(beta)))
    case .clip(let low, let high): max(T(low), min(T(high), x))
    case .thresholdedRelu(let alpha): x > T(alpha) ? x : 0
    case .softplus: T(log1p(exp(-abs(Double(x))))) + max(x, 0)
    }
  }

  /// dx = dy·f′(x), from y = f(x).
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func backward<T: Real>(
    _ kind: Kind, _ y: UnsafePointer<T>, _ above: UnsafePointer<T>, _ gradient: UnsafeMutablePointer<T>, _ count: Int,
    workers: Workers
  ) {
    workers.forEachRange(of: count, grain: 16_384) { range in
      for index in range { gradient[index] = above[index] * slope(kind, y[index]) }
    }
  }

  @inline(__always)
  private static func slope<T: Real>(_ kind: Kind, _ y: T) -> T {
    switch kind {
    case .none: 1
    case .relu, .thresholdedRelu: y > 0 ? 1 : 0
    case .leakyRelu(let slope): y > 0 ? 1 : T(slope)
    case .tanh: 1 - y * y
    case .sigmoid: y * (1 - y)
    // y = x/(1 + |x|), so that 1/(1 + |x|) = 1 − |y|.
    case .softsign: (1 - abs(y)) * (1 - abs(y))
    case .elu(let alpha): y > 0 ? 1 : y + T(alpha)
    case .hardSigmoid(let alpha, _): y > 0 && y < 1 ? T(alpha) : 0
    case .clip(let low, let high): y > T(low) && y < T(high) ? 1 : 0
    // σ(x) = 1 − e^(−y).
    case .softplus: T(-expm1(-Double(y)))
    }
  }
}
