import Glibc

/// The discrete Fourier transform of one length: by halves where it is a power of two (Cooley and Tukey 1965), as a
/// convolution with a chirp otherwise (Bluestein 1970). In double precision throughout.
public struct FourierTransform: Sendable {
  public let count: Int
  private let isInverse: Bool
  /// Length of the transforms that work by halves.
  private let size: Int
  /// cos and ∓sin of 2πk/size for the first half of the circle.
  private let turns: [SIMD2<Double>]
  private let chirp: [SIMD2<Double>]
  /// The transform of the chirp's conjugate, which products stand for convolutions with.
  private var filter: [SIMD2<Double>] = []

  /// - Parameter isInverse: whether the exponent is positive. Nothing is divided by the length.
  public init(count: Int, isInverse: Bool) {
    self.count = count
    self.isInverse = isInverse
    let isPower = count & (count - 1) == 0
    size = isPower ? max(1, count) : Self.power(above: 2 * count - 1)
    // The transform within a convolution goes forward, whichever way the whole one does.
    let direction: Double = isInverse && isPower ? 1 : -1
    let size = size
    turns = (0..<(size / 2)).map { Self.turn(direction * 2 * .pi * Double($0) / Double(size)) }
    guard !isPower else {
      chirp = []
      return
    }
    // The square is reduced before it loses digits.
    chirp = (0..<count).map { index in
      let square = index.multipliedFullWidth(by: index)
      let rest = (2 * count).dividingFullWidth(square).remainder
      return Self.turn((isInverse ? 1 : -1) * .pi * Double(rest) / Double(count))
    }
    var kernel = [SIMD2<Double>](repeating: .zero, count: size)
    for index in 0..<count {
      let conjugate = SIMD2(chirp[index].x, -chirp[index].y)
      kernel[index] = conjugate
      if index > 0 { kernel[size - index] = conjugate }
    }
    halve(&kernel)
    filter = kernel
  }

  private static func power(above count: Int) -> Int {
    var power = 1
    while power < count { power *= 2 }
    return power
  }

  private static func turn(_ angle: Double) -> SIMD2<Double> { SIMD2(cos(angle), sin(angle)) }

  @inline(__always) private static func times(_ a: SIMD2<Double>, _ b: SIMD2<Double>) -> SIMD2<Double> {
    SIMD2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x)
  }

  /// Transforms ``count`` complex numbers in place.
  public func callAsFunction(_ values: inout [SIMD2<Double>]) {
    guard count > 1 else { return }
    guard !chirp.isEmpty else { return halve(&values) }
    var work = [SIMD2<Double>](repeating: .zero, count: size)
    for index in 0..<count { work[index] = Self.times(values[index], chirp[index]) }
    halve(&work)
    // Conjugating before and after turns the forward transform into the inverse one.
    for index in 0..<size {
      let product = Self.times(work[index], filter[index])
      work[index] = SIMD2(product.x, -product.y)
    }
    halve(&work)
    for index in 0..<count {
      let sum = SIMD2(work[index].x, -work[index].y) / Double(size)
      values[index] = Self.times(sum, chirp[index])
    }
  }

  private func halve(_ values: inout [SIMD2<Double>]) {
    var reversed = 0
    for index in 1..<max(1, size) {
      var bit = size >> 1
      while reversed & bit != 0 {
        reversed ^= bit
        bit >>= 1
      }
      reversed |= bit
      if index < reversed { values.swapAt(index, reversed) }
    }
    var half = 1
    while half < size {
      let step = size / (2 * half)
      for start in stride(from: 0, to: size, by: 2 * half) {
        for index in 0..<half {
          let odd = Self.times(values[start + half + index], turns[index * step])
          let even = values[start + index]
          values[start + index] = even + odd
          values[start + half + index] = even - odd
        }
      }
      half *= 2
    }
  }
}
