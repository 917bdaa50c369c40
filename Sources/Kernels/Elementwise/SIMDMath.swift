/// Elementary functions of sixteen floats at a time, to two or three units in the last place.
///
/// The polynomials are minimax fits of our own (Lawson's iteration on Chebyshev nodes).
enum SIMDMath {
  typealias Vector = SIMD16<Float>
  typealias Bits = SIMD16<Int32>

  /// Added and subtracted again, it rounds to the nearest integer, which the low bits of the sum hold meanwhile.
  @inline(__always) private static var rounder: Float { 12_582_912 }

  /// ln 2 in two parts: products of the first one with small integers are exact.
  @inline(__always) private static var ln2High: Float { 0.693359375 }
  @inline(__always) private static var ln2Low: Float { -2.12194440e-4 }

  @inline(__always) static func bits(_ x: Vector) -> Bits { unsafeBitCast(x, to: Bits.self) }

  @inline(__always) static func float(_ bits: Bits) -> Vector { unsafeBitCast(bits, to: Vector.self) }

  @inline(__always) static func magnitude(_ x: Vector) -> Vector {
    float(bits(x) & Bits(repeating: 0x7fff_ffff))
  }

  /// |`x`| with the sign of `sign`.
  @inline(__always) static func withSign(_ x: Vector, of sign: Vector) -> Vector {
    float(bits(x) | (bits(sign) & Bits(repeating: Int32.min)))
  }

  /// The greater of two; NaN where either is.
  @inline(__always) static func maximum(_ a: Vector, _ b: Vector) -> Vector {
    a.replacing(with: b, where: (b .> a) .| (b .!= b))
  }

  /// The lesser of two; NaN where either is.
  @inline(__always) static func minimum(_ a: Vector, _ b: Vector) -> Vector {
    a.replacing(with: b, where: (b .< a) .| (b .!= b))
  }

  @inline(__always) static func exp(_ x: Vector) -> Vector {
    let t = x.replacing(with: -104, where: x .< -104).replacing(with: 89, where: x .> 89)
    let shifted: Vector = t * 1.44269504 + rounder
    let n: Vector = shifted - rounder
    let r: Vector = (t - n * ln2High) - n * ln2Low
    var p: Vector = r * 0.0013950599823147058 + 0.008368954062461853
    p = p * r + 0.04166620597243309
    p = p * r + 0.166665181517601
    p = p * r + 0.5
    let y: Vector = (p * r) * r + r + 1
    // In two steps, so that powers below the least normal number and above the greatest come out.
    let power = bits(shifted) &- Bits(repeating: 0x4b40_0000)
    let half = power &>> Bits(repeating: 1)
    let first = float((half &+ Bits(repeating: 127)) &<< Bits(repeating: 23))
    let second = float((power &- half &+ Bits(repeating: 127)) &<< Bits(repeating: 23))
    return y * first * second
  }

  @inline(__always) static func log(_ x: Vector) -> Vector {
    let isTiny = x .< Float.leastNormalMagnitude
    let normal = bits(x.replacing(with: x * 8_388_608, where: isTiny))
    // x = 2^e · m with m between √½ and √2.
    let e = (normal &- Bits(repeating: 0x3f35_04f3)) &>> Bits(repeating: 23)
    let f: Vector = float(normal &- (e &<< Bits(repeating: 23))) - 1
    var n: Vector = float(e &+ Bits(repeating: 0x4b40_0000)) - rounder
    n = n.replacing(with: n - 23, where: isTiny)
    var p: Vector = f * -0.07635588198900223 + 0.1276330053806305
    p = p * f - 0.13160595297813416
    p = p * f + 0.14201557636260986
    p = p * f - 0.16623297333717346
    p = p * f + 0.20001232624053955
    p = p * f - 0.250008225440979
    p = p * f + 0.3333333134651184
    let square: Vector = f * f
    var y: Vector = f * square * p + n * ln2Low
    y = y - square * 0.5
    y = (y + f) + n * ln2High
    y = y.replacing(with: -.infinity, where: x .== 0)
    y = y.replacing(with: .nan, where: (x .< 0) .| (x .!= x))
    return y.replacing(with: .infinity, where: x .== .infinity)
  }

  @inline(__always) static func tanh(_ x: Vector) -> Vector {
    let z: Vector = x * x
    var p: Vector = z * -0.005528624635189772 + 0.02048330567777157
    p = p * z - 0.05369296297430992
    p = p * z + 0.1333089917898178
    p = p * z - 0.3333326280117035
    let near: Vector = x + (x * z) * p
    let size = magnitude(x)
    let far: Vector = 1 - 2 / (exp(size + size) + 1)
    return withSign(far, of: x).replacing(with: near, where: size .< 0.625)
  }

  @inline(__always) static func sigmoid(_ x: Vector) -> Vector {
    1 / (1 + exp(-x))
  }

  @inline(__always) static func erf(_ x: Vector) -> Vector {
    let size = magnitude(x)
    let z: Vector = x * x
    var p: Vector = z * 7.889119297033176e-05 - 0.0008020841050893068
    p = p * z + 0.005189535208046436
    p = p * z - 0.026854444295167923
    p = p * z + 0.11283600330352783
    p = p * z - 0.3761262595653534
    p = p * z + 1.1283791065216064
    // Beyond one, 1 − erf(x) = e^−q(x); beyond four, erf is one.
    let a = size.replacing(with: 4, where: size .> 4)
    var q: Vector = a * -0.0001855748996604234 + 0.0029396156314760447
    q = q * a - 0.021805351600050926
    q = q * a + 0.10303743183612823
    q = q * a + 0.6382256150245667
    q = q * a + 1.1270400285720825
    q = q * a + 0.00035370892146602273
    let far = withSign(1 - exp(-q), of: x)
    return far.replacing(with: x * p, where: size .< 1)
  }

  /// ln(1 + x) of numbers between zero and one.
  @inline(__always) static func log1p(_ x: Vector) -> Vector {
    let sum: Vector = x + 1
    return log(sum) - ((sum - 1) - x) / sum
  }

  @inline(__always) static func softplus(_ x: Vector) -> Vector {
    x.replacing(with: 0, where: x .< 0) + log1p(exp(-magnitude(x)))
  }

  /// x · Φ(x).
  @inline(__always) static func gelu(_ x: Vector) -> Vector {
    x * 0.5 * (1 + erf(x * 0.70710678))
  }

  @inline(__always) static func geluGradient(_ x: Vector) -> Vector {
    let cumulative: Vector = 0.5 + 0.5 * erf(x * 0.70710678)
    return cumulative + x * 0.39894228 * exp(x * x * -0.5)
  }

  /// The argument of the hyperbolic tangent that approximates Φ.
  @inline(__always) private static func geluArgument(_ x: Vector) -> Vector {
    x * (x * x * 0.035677408 + 0.79788456)
  }

  @inline(__always) static func tanhGelu(_ x: Vector) -> Vector {
    x * 0.5 * (1 + tanh(geluArgument(x)))
  }

  @inline(__always) static func tanhGeluGradient(_ x: Vector) -> Vector {
    let t = tanh(geluArgument(x))
    let slope: Vector = x * x * 0.10703222 + 0.79788456
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope
  }

  /// Rounds to the nearest integer, halves to even ones.
  @inline(__always) static func round(_ x: Vector) -> Vector {
    let size = magnitude(x)
    let rounded: Vector = (size + 8_388_608) - 8_388_608
    // From 2²³ on all are integers; NaN stays.
    return x.replacing(with: withSign(rounded, of: x), where: size .< 8_388_608)
  }

  @inline(__always) static func floor(_ x: Vector) -> Vector {
    let rounded = round(x)
    return withSign(magnitude(rounded.replacing(with: rounded - 1, where: rounded .> x)), of: x)
  }

  @inline(__always) static func ceil(_ x: Vector) -> Vector { -floor(-x) }

  @inline(__always) static func sign(_ x: Vector) -> Vector {
    x.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
  }
}
