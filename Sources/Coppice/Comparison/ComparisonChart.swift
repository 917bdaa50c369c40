/// The scores of a comparison against the MACs that are left, as SVG: a line for each criterion and repair, in colours
/// that people who see few of them tell apart (Okabe and Ito 2008).
public struct ComparisonChart: Sendable {
  struct Point: Sendable {
    let x: Double
    let y: Double
    /// What is shown where a pointer rests on it.
    let title: String
  }

  struct Series: Sendable {
    let name: String
    /// Which of the colours, and which way of drawing.
    let colour: Int
    let dashes: Int
    /// By ascending x.
    var points: [Point]
  }

  let series: [Series]
  /// The model as it was.
  let reference: Point?
  let scoreLabel: String
  private let x: AxisRange
  private let y: AxisRange

  public init(_ comparison: CriteriaComparison) {
    reference = comparison.rows.first { $0.pruning == nil }.flatMap { Self.point($0, in: comparison) }
    series = Self.series(comparison)
    scoreLabel = comparison.showsAccuracy ? "top-1 in %" : "loss"
    let points = series.flatMap(\.points) + [reference].compactMap { $0 }
    x = AxisRange(covering: points.map(\.x), within: 0...Double.infinity)
    y = AxisRange(
      covering: points.map(\.y), within: comparison.showsAccuracy ? 0...100 : -Double.infinity...Double.infinity)
  }

  private static func point(_ row: CriteriaComparison.Row, in comparison: CriteriaComparison) -> Point? {
    let score = comparison.number(row.score)
    guard score.isFinite, row.macsShare.isFinite else { return nil }
    let name = row.pruning.map { "\(Self.name($0)), \($0.target.label)" } ?? "dense"
    let share = FixedPoint.text(row.macsShare * 100, digits: 1)
    return Point(
      x: row.macsShare * 100, y: score,
      title: "\(name): \(comparison.scoreName) \(comparison.text(row.score)) at \(share) % of the MACs")
  }

  private static func name(_ pruning: CriteriaComparison.Pruning) -> String {
    pruning.repair == .none ? pruning.criterion : "\(pruning.criterion), \(pruning.repair.rawValue)"
  }

  private static func series(_ comparison: CriteriaComparison) -> [Series] {
    var series: [Series] = []
    var criteria: [String] = []
    for row in comparison.rows {
      guard let pruning = row.pruning, let place = Self.point(row, in: comparison) else { continue }
      let label = Self.name(pruning)
      if let known = series.firstIndex(where: { $0.name == label }) {
        series[known].points.append(place)
        continue
      }
      if !criteria.contains(pruning.criterion) { criteria.append(pruning.criterion) }
      series.append(
        Series(
          name: label, colour: criteria.firstIndex(of: pruning.criterion) ?? 0,
          dashes: LayerRepair.allCases.firstIndex(of: pruning.repair) ?? 0, points: [place]))
    }
    for index in series.indices { series[index].points.sort { ($0.x, $0.y) < ($1.x, $1.y) } }
    return series
  }
}

// MARK: Drawing

extension ComparisonChart {
  private static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
  /// Without repair, side by side, in order.
  private static let dashes = ["2 3", "8 3", ""]

  private static let width = 760.0
  private static let left = 64.0
  private static let top = 24.0
  private static let plotWidth = 440.0
  private static let plotHeight = 320.0
  private static let lineHeight = 20.0

  private var height: Double {
    max(Self.top + Self.plotHeight + 56, Self.top + Self.lineHeight * Double(series.count + 2))
  }

  /// The picture, complete in itself.
  public var svg: String {
    let size = "\(Self.text(Self.width)) \(Self.text(height))"
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" width=\"\(Self.text(Self.width))\" "
        + "height=\"\(Self.text(height))\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">",
      "<title>\(Markup.escaped(scoreLabel)) against the share of MACs</title>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
    ]
    lines += axes
    if let reference { lines += drawn(reference) }
    for entry in series { lines += drawn(entry) }
    lines += legend
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private static func text(_ number: Double) -> String { FixedPoint.text(number, digits: 1) }

  private func across(_ value: Double) -> String { Self.text(Self.left + x.place(value) * Self.plotWidth) }
  private func down(_ value: Double) -> String { Self.text(Self.top + (1 - y.place(value)) * Self.plotHeight) }

  private static func label(_ text: String, x: String, y: String, anchor: String = "start", more: String = "") -> String
  {
    "<text x=\"\(x)\" y=\"\(y)\" text-anchor=\"\(anchor)\"\(more)>\(Markup.escaped(text))</text>"
  }

  private static func line(_ x1: String, _ y1: String, _ x2: String, _ y2: String, _ more: String) -> String {
    "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" \(more)/>"
  }

  private var axes: [String] {
    let (left, right) = (Self.text(Self.left), Self.text(Self.left + Self.plotWidth))
    let (top, bottom) = (Self.text(Self.top), Self.text(Self.top + Self.plotHeight))
    var lines: [String] = []
    for tick in x.ticks {
      let place = across(tick)
      lines.append(Self.line(place, top, place, bottom, "stroke=\"#dddddd\""))
      let y = Self.text(Self.top + Self.plotHeight + 18)
      lines.append(Self.label(FixedPoint.text(tick, digits: x.digits), x: place, y: y, anchor: "middle"))
    }
    for tick in y.ticks {
      let place = down(tick)
      lines.append(Self.line(left, place, right, place, "stroke=\"#dddddd\""))
      let middle = Self.text(Self.top + (1 - y.place(tick)) * Self.plotHeight + 4)
      lines.append(
        Self.label(FixedPoint.text(tick, digits: y.digits), x: Self.text(Self.left - 8), y: middle, anchor: "end"))
    }
    lines.append(Self.line(left, bottom, right, bottom, "stroke=\"#333333\""))
    lines.append(Self.line(left, top, left, bottom, "stroke=\"#333333\""))
    return lines + axisNames
  }

  private var axisNames: [String] {
    let middle = Self.text(Self.top + Self.plotHeight / 2)
    return [
      Self.label(
        "MACs in % of the dense model's", x: Self.text(Self.left + Self.plotWidth / 2),
        y: Self.text(Self.top + Self.plotHeight + 42), anchor: "middle"),
      Self.label(
        scoreLabel, x: "16.0", y: middle, anchor: "middle", more: " transform=\"rotate(-90 16.0 \(middle))\""),
    ]
  }

  /// The model as it was: a level to be held.
  private func drawn(_ reference: Point) -> [String] {
    let (left, right) = (Self.text(Self.left), Self.text(Self.left + Self.plotWidth))
    let place = down(reference.y)
    return [
      Self.line(left, place, right, place, "stroke=\"#777777\" stroke-dasharray=\"1 3\""),
      mark(reference, colour: "#777777"),
    ]
  }

  private func drawn(_ series: Series) -> [String] {
    let places = series.points.map { "\(across($0.x)),\(down($0.y))" }.joined(separator: " ")
    let colour = Self.colours[series.colour % Self.colours.count]
    let line = "<polyline points=\"\(places)\" fill=\"none\" stroke-width=\"2\" \(Self.stroke(series))/>"
    // A single point is no line.
    return (series.points.count > 1 ? [line] : []) + series.points.map { mark($0, colour: colour) }
  }

  private static func stroke(_ series: Series) -> String {
    let dashes = Self.dashes[series.dashes % Self.dashes.count]
    let colour = Self.colours[series.colour % Self.colours.count]
    return "stroke=\"\(colour)\"" + (dashes.isEmpty ? "" : " stroke-dasharray=\"\(dashes)\"")
  }

  private func mark(_ point: Point, colour: String) -> String {
    "<circle cx=\"\(across(point.x))\" cy=\"\(down(point.y))\" r=\"4\" fill=\"\(colour)\">"
      + "<title>\(Markup.escaped(point.title))</title></circle>"
  }

  private var legend: [String] {
    let start = Self.left + Self.plotWidth + 24
    func row(_ index: Int, _ name: String, _ stroke: String) -> [String] {
      let y = Self.top + 8 + Self.lineHeight * Double(index)
      return [
        Self.line(
          Self.text(start), Self.text(y), Self.text(start + 28), Self.text(y), "stroke-width=\"2\" \(stroke)"),
        Self.label(name, x: Self.text(start + 36), y: Self.text(y + 4)),
      ]
    }
    var lines = series.enumerated().flatMap { index, entry in row(index, entry.name, Self.stroke(entry)) }
    if reference != nil { lines += row(series.count, "dense", "stroke=\"#777777\" stroke-dasharray=\"1 3\"") }
    return lines
  }
}
