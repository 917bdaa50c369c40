/// Arithmetic of bytes with scales: computed in floats, rounded once.
public enum ByteArithmetic {
  /// What an element of an operand becomes: (q − zero)·scale.
  public struct Scaling: Sendable {
    public let scale: Float
    public let zero: Int32

    public init(scale: Float, zero: Int32) { (self.scale, self.zero) = (scale, zero) }

    @inline(__always)
    func value<Q: QuantizedInteger>(_ q: Q) -> Float { Float(Int32(truncatingIfNeeded: q) &- zero) * scale }

    @inline(__always)
    func values<Q: QuantizedInteger>(_ q: UnsafePointer<Q>) -> SIMD16<Float> {
      let integers = SIMD16<Int32>(truncatingIfNeeded: UnsafeRawPointer(q).loadUnaligned(as: SIMD16<Q>.self))
      return SIMD16<Float>(integers &- zero) * scale
    }
  }

  /// y = round(a + b) or round(a·b) over a row; a step of zero repeats an operand.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func combine<Q: QuantizedInteger>(
    _ a: UnsafePointer<Q>, step aStep: Int, _ aScaling: Scaling, _ b: UnsafePointer<Q>, step bStep: Int,
    _ bScaling: Scaling, isSum: Bool, zero: Int32, _ y: UnsafeMutablePointer<Q>, count: Int
  ) {
    if aStep == 1, bStep == 1 {
      return combineRow(a, aScaling, b, bScaling, isSum: isSum, zero: zero, y, count: count)
    }
    if isSum {
      for index in 0..<count {
        let sum = aScaling.value(a[index * aStep]) + bScaling.value(b[index * bStep])
        y[index] = Quantize.integer(sum, zero: zero, as: Q.self)
      }
    } else {
      for index in 0..<count {
        let product = aScaling.value(a[index * aStep]) * bScaling.value(b[index * bStep])
        y[index] = Quantize.integer(product, zero: zero, as: Q.self)
      }
    }
  }

  /// The same where no operand repeats, sixteen at a time.
  @inline(__always)
  private static func combineRow<Q: QuantizedInteger>(
    _ a: UnsafePointer<Q>, _ aScaling: Scaling, _ b: UnsafePointer<Q>, _ bScaling: Scaling, isSum: Bool, zero: Int32,
    _ y: UnsafeMutablePointer<Q>, count: Int
  ) {
    let rounding = VectorRounding(zero: zero, as: Q.self)
    var index = 0
    while index + 16 <= count {
      let (first, second) = (aScaling.values(a + index), bScaling.values(b + index))
      let result = isSum ? first + second : first * second
      UnsafeMutableRawPointer(y + index).storeBytes(of: rounding.integers(result, as: Q.self), as: SIMD16<Q>.self)
      index += 16
    }
    while index < count {
      let (first, second) = (aScaling.value(a[index]), bScaling.value(b[index]))
      y[index] = Quantize.integer(isSum ? first + second : first * second, zero: zero, as: Q.self)
      index += 1
    }
  }

  /// y = table[x], by the bits of bytes.
  public static func lookUp(
    _ x: UnsafePointer<UInt8>, _ y: UnsafeMutablePointer<UInt8>, _ count: Int, table: UnsafePointer<UInt8>
  ) {
    for index in 0..<count { y[index] = table[Int(x[index])] }
  }

  /// For each byte, by its bits, what `function` of its value is in another scale.
  public static func table<Q: QuantizedInteger>(
    as type: Q.Type, from source: Scaling, to target: Scaling, _ function: (Float) -> Float
  ) -> [UInt8] {
    (0..<256).map { bits in
      let q = Q(truncatingIfNeeded: bits)
      let value = function(source.value(q)) / target.scale
      return UInt8(truncatingIfNeeded: Quantize.integer(value, zero: target.zero, as: Q.self))
    }
  }

  /// Softmax of `count` bytes, `stride` elements apart.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func softmax<Q: QuantizedInteger>(
    _ x: UnsafePointer<Q>, _ y: UnsafeMutablePointer<Q>, count: Int, stride: Int, from source: Scaling,
    to target: Scaling, scratch: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { scratch[index] = source.value(x[index * stride]) }
    AttentionMath.softmax(scratch, count, sink: nil)
    for index in 0..<count {
      y[index * stride] = Quantize.integer(scratch[index] / target.scale, zero: target.zero, as: Q.self)
    }
  }
}

/// Averages of bytes under a window.
public enum ByteAverages {
  /// - Parameters:
  ///   - after: padding that counts, behind each axis; with `countsPadding` alone.
  ///   - stride: elements between spatial neighbours, of input and output.
  @specialized(where Q == UInt8)
  @specialized(where Q == Int8)
  public static func pool<Q: QuantizedInteger>(
    _ x: UnsafePointer<Q>, _ y: UnsafeMutablePointer<Q>, stride: Int, window: ByteWindow, countsPadding: Bool,
    after: [Int], from source: ByteArithmetic.Scaling, to target: ByteArithmetic.Scaling
  ) {
    for position in 0..<window.positions {
      let place = ByteWindow.digits(position, window.output)
      var (sum, count): (Int32, Int) = (0, 0)
      for tap in 0..<window.taps {
        let offsets = ByteWindow.digits(tap, window.kernel)
        var (pixel, isInside, counts) = (0, true, countsPadding)
        for axis in place.indices {
          let index =
            place[axis] * window.strides[axis] + offsets[axis] * window.dilations[axis] - window.before[axis]
          isInside = isInside && index >= 0 && index < window.input[axis]
          counts = counts && index < window.input[axis] + after[axis]
          pixel = pixel * window.input[axis] + index
        }
        if isInside { sum += Int32(truncatingIfNeeded: x[pixel * stride]) &- source.zero }
        if isInside || counts { count += 1 }
      }
      let mean = Float(sum) * source.scale / Float(max(1, count)) / target.scale
      y[position * stride] = Quantize.integer(mean, zero: target.zero, as: Q.self)
    }
  }
}
