/// Parts of pictures as SVG.
enum SVG {
  static func number(_ number: Double) -> String { FixedPoint.text(number, digits: 1) }

  /// - Parameter more: further attributes, as they are.
  static func label(_ text: String, x: Double, y: Double, anchor: String = "start", more: String = "") -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\"\(more)>\(Markup.escaped(text))</text>"
  }

  /// - Parameter style: further attributes, as they are.
  static func line(from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ style: String) -> String {
    let places = "x1=\"\(number(start.x))\" y1=\"\(number(start.y))\" x2=\"\(number(end.x))\" y2=\"\(number(end.y))\""
    return "<line \(places) \(style)/>"
  }
}
