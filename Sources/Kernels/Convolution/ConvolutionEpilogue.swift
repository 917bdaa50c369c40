import Glibc

/// What is done to a convolution's output while it is still in the cache: bias, residual, activation, in this order.
public struct ConvolutionEpilogue<T: Real> {
  public var bias: UnsafePointer<T>?
  /// Of the output's shape.
  public var residual: UnsafePointer<T>?
  public var activation: ConvolutionActivation

  public init(
    bias: UnsafePointer<T>? = nil, residual: UnsafePointer<T>? = nil, activation: ConvolutionActivation = .none
  ) {
    self.bias = bias
    self.residual = residual
    self.activation = activation
  }

  var isEmpty: Bool { bias == nil && residual == nil && activation == .none }

  /// Writes a run of one channel's plane, computed at `source`, to `target`, which may be the same memory. `offset` is
  /// where the run starts in the output.
  @inline(__always)
  func apply(
    _ source: UnsafePointer<T>, to target: UnsafeMutablePointer<T>, count: Int, channel: Int, offset: Int
  ) {
    let shift = bias.map { $0[channel] } ?? 0
    switch activation {
    case .none:
      run(source, target, count, shift, offset, { $0 }, { $0 })
    case .clip(let low, let high):
      let (low, high) = (T(low), T(high))
      let (lows, highs) = (SIMD8<T>(repeating: low), SIMD8<T>(repeating: high))
      run(
        source, target, count, shift, offset,
        { vector in
          // Comparisons that keep NaN.
          let raised = vector.replacing(with: lows, where: vector .< lows)
          return raised.replacing(with: highs, where: raised .> highs)
        },
        { $0 < low ? low : $0 > high ? high : $0 })
    case .hardSwish:
      run(
        source, target, count, shift, offset,
        { vector in
          let gate = vector * SIMD8(repeating: 1 / 6) + SIMD8(repeating: 0.5)
          let raised = gate.replacing(with: SIMD8<T>(), where: gate .< SIMD8<T>())
          return vector * raised.replacing(with: SIMD8<T>(repeating: 1), where: raised .> SIMD8<T>(repeating: 1))
        },
        { $0 * Swift.min(Swift.max($0 / 6 + 0.5, 0), 1) })
    default:
      scalars(source, target, count, shift, offset)
    }
  }

  @inline(__always)
  private func run(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ count: Int, _ shift: T, _ offset: Int,
    _ vectors: (SIMD8<T>) -> SIMD8<T>, _ scalars: (T) -> T
  ) {
    let shifts = SIMD8<T>(repeating: shift)
    var index = 0
    if let residual {
      while index + 8 <= count {
        let sum = Runs.load(source + index, SIMD8<T>.self) + shifts
        Runs.store(vectors(sum + Runs.load(residual + (offset + index), SIMD8<T>.self)), target + index)
        index += 8
      }
      while index < count {
        target[index] = scalars(source[index] + shift + residual[offset + index])
        index += 1
      }
    } else {
      while index + 8 <= count {
        Runs.store(vectors(Runs.load(source + index, SIMD8<T>.self) + shifts), target + index)
        index += 8
      }
      while index < count {
        target[index] = scalars(source[index] + shift)
        index += 1
      }
    }
  }

  @inline(never)
  private func scalars(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ count: Int, _ shift: T, _ offset: Int
  ) {
    for index in 0..<count {
      let sum = source[index] + shift + (residual.map { $0[offset + index] } ?? 0)
      target[index] = T(activation(Double(sum)))
    }
  }
}

/// An activation a convolution may end in.
public enum ConvolutionActivation: Sendable, Equatable {
  case none
  /// Between two bounds; `Relu` has none above.
  case clip(low: Double, high: Double)
  case hardSwish
  case leakyRelu(slope: Double)
  case hardSigmoid(slope: Double, shift: Double)
  case sigmoid
  case tanh
  case silu

  public static let relu = ConvolutionActivation.clip(low: 0, high: .infinity)

  func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .none: x
    case .clip(let low, let high): x < low ? low : x > high ? high : x
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    case .leakyRelu(let slope): x < 0 ? slope * x : x
    case .hardSigmoid(let slope, let shift): min(max(slope * x + shift, 0), 1)
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: Glibc.tanh(x)
    case .silu: x / (1 + exp(-x))
    }
  }
}
