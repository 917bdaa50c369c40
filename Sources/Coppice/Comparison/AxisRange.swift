import Glibc

/// What an axis of a chart covers: from a round number to a round number, with ticks at round numbers.
struct AxisRange: Equatable {
  let low: Double
  let high: Double
  /// Between ticks: 1, 2 or 5 times a power of ten.
  let step: Double

  /// - Parameters:
  ///   - values: what has to be inside. None at all are taken for 0 and 1; around one alone there is a tenth of it, at
  ///     least 1.
  ///   - limits: what the axis does not go beyond.
  init(covering values: [Double], within limits: ClosedRange<Double>? = nil) {
    let values = values.filter(\.isFinite)
    var (least, most) = (values.min() ?? 0, values.max() ?? 1)
    // As good as equal: what is between would be lost in rounding.
    if most - least <= 1e-9 * max(abs(least), abs(most), 1e-9) {
      let margin = max(abs(least) / 20, 0.5)
      (least, most) = (least - margin, most + margin)
    }
    step = Self.roundStep((most - least) / 5)
    // A number that is a tick stays one in spite of rounding.
    let (first, last) = ((least / step + 1e-9).rounded(.down) * step, (most / step - 1e-9).rounded(.up) * step)
    low = max(first, limits?.lowerBound ?? first)
    high = min(last, limits?.upperBound ?? last)
  }

  var ticks: [Double] {
    let first = (low / step - 1e-9).rounded(.up)
    let count = Int(((high - low) / step + 1e-9).rounded(.down))
    return (0...max(0, count)).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-6 }
  }

  /// Digits after the point that tell ticks apart.
  var digits: Int { max(0, Int(-(log10(step) + 1e-9).rounded(.down))) }

  /// Where a value is: 0 at the low end, 1 at the high end.
  func place(_ value: Double) -> Double { (value - low) / (high - low) }

  /// The least of 1, 2, 5 and 10 times a power of ten that is not below the number.
  private static func roundStep(_ number: Double) -> Double {
    let power = pow(10, log10(number).rounded(.down))
    let factor = [1.0, 2, 5].first { $0 * power >= number * (1 - 1e-9) } ?? 10
    return factor * power
  }
}
