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

  /// The same, where it is one of floats.
  var floats: ConvolutionEpilogue<Float> {
    .init(
      bias: bias.map { VectorLoops.floats($0) }, residual: residual.map { VectorLoops.floats($0) },
      activation: activation)
  }

  var isEmpty: Bool { bias == nil && residual == nil && activation == .none }

  /// Writes a run of one channel's plane, computed at `source`, to `target`, which may be the same memory. `offset` is
  /// where the run starts in the output.
  @inline(__always)
  func apply(
    _ source: UnsafePointer<T>, to target: UnsafeMutablePointer<T>, count: Int, channel: Int, offset: Int
  ) {
    let shift = bias.map { $0[channel] } ?? 0
    let residual = residual.map { $0 + offset }
    guard T.self == Float.self else { return activateDoubles(source, target, count, shift, residual) }
    activation.applyFloats(
      VectorLoops.floats(source), to: VectorLoops.floats(target), count: count, shift: Float(shift),
      residual: residual.map { VectorLoops.floats($0) })
  }

  @inline(never)
  private func activateDoubles(
    _ source: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>, _ count: Int, _ shift: T,
    _ residual: UnsafePointer<T>?
  ) {
    for index in 0..<count {
      let sum = source[index] + shift + (residual?[index] ?? 0)
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

extension ConvolutionActivation {
  typealias Vector = VectorLoops.Vector

  /// target ← activation(source + shift + residual). The memory may be the same.
  func applyFloats(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int, shift: Float,
    residual: UnsafePointer<Float>?
  ) {
    switch self {
    case .none:
      run(source, target, count, shift, residual) { $0 }
    case .clip(let low, let high):
      let (lows, highs) = (Vector(repeating: Float(low)), Vector(repeating: Float(high)))
      // Comparisons that keep NaN.
      run(source, target, count, shift, residual) { x in
        let raised = x.replacing(with: lows, where: x .< lows)
        return raised.replacing(with: highs, where: raised .> highs)
      }
    case .hardSwish:
      run(source, target, count, shift, residual) { $0 * Self.unit($0 * (1.0 / 6) + 0.5) }
    case .hardSigmoid(let slope, let shiftOfGate):
      let (slope, offset) = (Vector(repeating: Float(slope)), Vector(repeating: Float(shiftOfGate)))
      run(source, target, count, shift, residual) { Self.unit($0 * slope + offset) }
    case .leakyRelu(let slope):
      let slope = Vector(repeating: Float(slope))
      run(source, target, count, shift, residual) { $0.replacing(with: $0 * slope, where: $0 .< 0) }
    case .sigmoid:
      run(source, target, count, shift, residual) { SIMDMath.sigmoid($0) }
    case .tanh:
      run(source, target, count, shift, residual) { SIMDMath.tanh($0) }
    case .silu:
      run(source, target, count, shift, residual) { $0 * SIMDMath.sigmoid($0) }
    }
  }

  /// Cut to the range from zero to one.
  @inline(__always)
  private static func unit(_ x: Vector) -> Vector {
    let raised = x.replacing(with: 0, where: x .< 0)
    return raised.replacing(with: 1, where: raised .> 1)
  }

  @inline(__always)
  private func run(
    _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ shift: Float,
    _ residual: UnsafePointer<Float>?, _ body: (Vector) -> Vector
  ) {
    let whole = count & ~15
    let rest = count - whole
    var index = 0
    if let residual {
      while index < whole {
        let sum = VectorLoops.load(source + index) + shift + VectorLoops.load(residual + index)
        VectorLoops.store(body(sum), target + index)
        index += 16
      }
      guard rest > 0 else { return }
      let sum = VectorLoops.loadTail(source + index, rest) + shift + VectorLoops.loadTail(residual + index, rest)
      VectorLoops.storeTail(body(sum), target + index, rest)
    } else {
      while index < whole {
        VectorLoops.store(body(VectorLoops.load(source + index) + shift), target + index)
        index += 16
      }
      guard rest > 0 else { return }
      VectorLoops.storeTail(body(VectorLoops.loadTail(source + index, rest) + shift), target + index, rest)
    }
  }
}
