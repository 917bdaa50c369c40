import COpenBLAS

/// As many columns of a panel as are computed at once.
protocol PanelVector {
  static var width: Int { get }
  init(repeating value: Float)
  static func load(_ source: UnsafePointer<Float>) -> Self
  func store(_ target: UnsafeMutablePointer<Float>)
  /// self + x · weight
  func adding(_ x: Self, times weight: Self) -> Self
  /// Adds the residual, if there is one, and cuts to the range from `low` to `high`; keeps NaN.
  func finished(_ residual: UnsafePointer<Float>?, low: Float, high: Float) -> Self
}

extension PanelVector {
  @inline(__always)
  func adding(_ x: Self, times weight: Float) -> Self { adding(x, times: Self(repeating: weight)) }
}

extension PanelVector where Self: SIMD, Scalar == Float {
  @inline(__always)
  static func load(_ source: UnsafePointer<Float>) -> Self { Runs.load(source, Self.self) }

  @inline(__always)
  func store(_ target: UnsafeMutablePointer<Float>) { Runs.store(self, target) }

  @inline(__always)
  func adding(_ x: Self, times weight: Self) -> Self {
    COPPICE_FUSES_MULTIPLY_ADD == 1 ? addingProduct(x, weight) : self + x * weight
  }
}

// Comparisons of any vector are computed lane by lane, which takes ten times as long: these are of known ones.

extension SIMD8<Float>: PanelVector {
  static var width: Int { 8 }

  @inline(__always)
  func finished(_ residual: UnsafePointer<Float>?, low: Float, high: Float) -> Self {
    var value = self
    if let residual { value += Self.load(residual) }
    let (lows, highs) = (Self(repeating: low), Self(repeating: high))
    value = value.replacing(with: lows, where: value .< lows)
    return value.replacing(with: highs, where: value .> highs)
  }
}

extension SIMD16<Float>: PanelVector {
  static var width: Int { 16 }

  @inline(__always)
  func finished(_ residual: UnsafePointer<Float>?, low: Float, high: Float) -> Self {
    var value = self
    if let residual { value += Self.load(residual) }
    let (lows, highs) = (Self(repeating: low), Self(repeating: high))
    value = value.replacing(with: lows, where: value .< lows)
    return value.replacing(with: highs, where: value .> highs)
  }
}

/// Two registers of 512 bits. The standard library's vector of thirty-two is computed lane by lane.
struct WidePanelVector: PanelVector {
  static var width: Int { 32 }

  var first: SIMD16<Float>
  var second: SIMD16<Float>

  @inline(__always)
  init(first: SIMD16<Float>, second: SIMD16<Float>) {
    self.first = first
    self.second = second
  }

  @inline(__always)
  init(repeating value: Float) { self.init(first: .init(repeating: value), second: .init(repeating: value)) }

  @inline(__always)
  static func load(_ source: UnsafePointer<Float>) -> Self {
    Self(first: .load(source), second: .load(source + 16))
  }

  @inline(__always)
  func store(_ target: UnsafeMutablePointer<Float>) {
    first.store(target)
    second.store(target + 16)
  }

  @inline(__always)
  func adding(_ x: Self, times weight: Self) -> Self {
    Self(first: first.adding(x.first, times: weight.first), second: second.adding(x.second, times: weight.second))
  }

  @inline(__always)
  func finished(_ residual: UnsafePointer<Float>?, low: Float, high: Float) -> Self {
    Self(
      first: first.finished(residual, low: low, high: high),
      second: second.finished(residual.map { $0 + 16 }, low: low, high: high))
  }
}
