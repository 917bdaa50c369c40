/// Numbers as tables and charts show them, alike on every machine.
enum FixedPoint {
  /// A number with so many digits after the point.
  static func text(_ number: Double, digits: Int) -> String {
    let factor = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
    guard number.isFinite, abs(number) * factor < 1e18 else { return "\(number)" }
    let scaled = Int((abs(number) * factor).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % Int(factor))
    return "\(sign)\(scaled / Int(factor))." + String(repeating: "0", count: digits - fraction.count) + fraction
  }

  /// A whole number with thousands apart.
  static func grouped(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var parts: [String] = []
    while digits.count > 3 {
      parts.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "-" : "") + ([digits] + parts).joined(separator: ",")
  }
}
