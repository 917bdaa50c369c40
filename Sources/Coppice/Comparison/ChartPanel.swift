/// A part of a ``ComparisonChart``: the scores against what is left of one of a model's sizes.
struct ChartPanel: Sendable {
  enum Size: Sendable, CaseIterable {
    case macs, parameters

    var name: String {
      switch self {
      case .macs: "MACs"
      case .parameters: "parameters"
      }
    }

    func share(of point: ComparisonChart.Point) -> Double {
      switch self {
      case .macs: point.macs
      case .parameters: point.parameters
      }
    }
  }

  static let top = 24.0
  static let width = 360.0
  static let height = 320.0
  private static let firstLeft = 64.0
  private static let gap = 32.0

  let size: Size
  let left: Double
  /// All panels have the same scores, which the first one names.
  private let namesScores: Bool
  private let x: AxisRange
  private let y: AxisRange

  init(_ size: Size, position: Int, covering points: [ComparisonChart.Point], scores: AxisRange) {
    self.size = size
    left = Self.firstLeft + Double(position) * (Self.width + Self.gap)
    namesScores = position == 0
    x = AxisRange(covering: points.map { size.share(of: $0) }, within: 0...Double.infinity)
    y = scores
  }

  var right: Double { left + Self.width }
  private var bottom: Double { Self.top + Self.height }

  private func across(_ share: Double) -> Double { left + x.place(share) * Self.width }
  private func down(_ score: Double) -> Double { Self.top + (1 - y.place(score)) * Self.height }

  /// The points of a line, by ascending share.
  func ordered(_ points: [ComparisonChart.Point]) -> [ComparisonChart.Point] {
    points.sorted { (size.share(of: $0), $0.score) < (size.share(of: $1), $1.score) }
  }

  // MARK: Drawing

  func axes(_ scoreLabel: String) -> [String] {
    var lines: [String] = []
    for tick in x.ticks {
      let place = across(tick)
      lines.append(SVG.line(from: (place, Self.top), to: (place, bottom), "stroke=\"#dddddd\""))
      lines.append(SVG.label(FixedPoint.text(tick, digits: x.digits), x: place, y: bottom + 18, anchor: "middle"))
    }
    for tick in y.ticks {
      let place = down(tick)
      lines.append(SVG.line(from: (left, place), to: (right, place), "stroke=\"#dddddd\""))
      guard namesScores else { continue }
      lines.append(SVG.label(FixedPoint.text(tick, digits: y.digits), x: left - 8, y: place + 4, anchor: "end"))
    }
    lines.append(SVG.line(from: (left, bottom), to: (right, bottom), "stroke=\"#333333\""))
    lines.append(SVG.line(from: (left, Self.top), to: (left, bottom), "stroke=\"#333333\""))
    lines.append(
      SVG.label("\(size.name) in % of the dense model's", x: left + Self.width / 2, y: bottom + 42, anchor: "middle"))
    guard namesScores else { return lines }
    let middle = Self.top + Self.height / 2
    let turned = " transform=\"rotate(-90 16.0 \(SVG.number(middle)))\""
    return lines + [SVG.label(scoreLabel, x: 16, y: middle, anchor: "middle", more: turned)]
  }

  /// A level to be held.
  func level(_ point: ComparisonChart.Point, stroke: String, colour: String) -> [String] {
    let place = down(point.score)
    return [SVG.line(from: (left, place), to: (right, place), stroke), mark(point, colour: colour)]
  }

  func line(_ points: [ComparisonChart.Point], stroke: String, colour: String) -> [String] {
    let points = ordered(points)
    let marks = points.map { mark($0, colour: colour) }
    // A single point is no line.
    guard points.count > 1 else { return marks }
    let places = points.map { "\(SVG.number(across(size.share(of: $0)))),\(SVG.number(down($0.score)))" }
      .joined(separator: " ")
    return ["<polyline points=\"\(places)\" fill=\"none\" stroke-width=\"2\" \(stroke)/>"] + marks
  }

  private func mark(_ point: ComparisonChart.Point, colour: String) -> String {
    let place = "cx=\"\(SVG.number(across(size.share(of: point))))\" cy=\"\(SVG.number(down(point.score)))\""
    return "<circle \(place) r=\"4\" fill=\"\(colour)\"><title>\(Markup.escaped(point.title))</title></circle>"
  }
}
