/// As many columns of a plane as are computed at once.
protocol PlaneVector: PanelVector {
  subscript(lane: Int) -> Float { get }
  /// Zeros where a lane of the mask is zero; its other lanes have all bits.
  func masked(_ mask: UnsafePointer<Int32>) -> Self
  /// Elements 0, 2, 4, … or 1, 3, 5, … from `source` on.
  static func load(everySecond source: UnsafePointer<Float>, isOdd: Bool) -> Self
  /// Writes even[0], odd[0], even[1], odd[1], …
  static func storeInterleaved(_ even: Self, _ odd: Self, _ target: UnsafeMutablePointer<Float>)
  func sum() -> Float
}

extension SIMD8<Float>: PlaneVector {
  @inline(__always)
  func masked(_ mask: UnsafePointer<Int32>) -> Self {
    let mask = UnsafeRawPointer(mask).loadUnaligned(as: SIMD8<Int32>.self)
    return unsafeBitCast(unsafeBitCast(self, to: SIMD8<Int32>.self) & mask, to: Self.self)
  }

  @inline(__always)
  static func load(everySecond source: UnsafePointer<Float>, isOdd: Bool) -> Self {
    let both = SIMD16<Float>.load(source)
    return isOdd ? both.oddHalf : both.evenHalf
  }

  @inline(__always)
  static func storeInterleaved(_ even: Self, _ odd: Self, _ target: UnsafeMutablePointer<Float>) {
    var both = SIMD16<Float>()
    both.evenHalf = even
    both.oddHalf = odd
    both.store(target)
  }
}

extension SIMD16<Float>: PlaneVector {
  @inline(__always)
  func masked(_ mask: UnsafePointer<Int32>) -> Self {
    let mask = UnsafeRawPointer(mask).loadUnaligned(as: SIMD16<Int32>.self)
    return unsafeBitCast(unsafeBitCast(self, to: SIMD16<Int32>.self) & mask, to: Self.self)
  }

  @inline(__always)
  static func load(everySecond source: UnsafePointer<Float>, isOdd: Bool) -> Self {
    Self(
      lowHalf: SIMD8.load(everySecond: source, isOdd: isOdd),
      highHalf: SIMD8.load(everySecond: source + 16, isOdd: isOdd))
  }

  @inline(__always)
  static func storeInterleaved(_ even: Self, _ odd: Self, _ target: UnsafeMutablePointer<Float>) {
    SIMD8.storeInterleaved(even.lowHalf, odd.lowHalf, target)
    SIMD8.storeInterleaved(even.highHalf, odd.highHalf, target + 16)
  }
}
