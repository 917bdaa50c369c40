/// The scores of a comparison against the MACs and against the parameters that are left, side by side, as SVG: a line
/// for each criterion and repair, in colours that people who see few of them tell apart (Okabe and Ito 2008).
public struct ComparisonChart: Sendable {
  struct Point: Sendable {
    /// In percent of those of the model as it was.
    let macs: Double
    let parameters: Double
    let score: Double
    /// What is shown where a pointer rests on it.
    let title: String
  }

  struct Series: Sendable {
    let name: String
    /// Which of the colours, and which way of drawing.
    let colour: Int
    let dashes: Int
    var points: [Point]
  }

  let series: [Series]
  /// The model as it was.
  let reference: Point?
  let scoreLabel: String
  let panels: [ChartPanel]

  public init(_ comparison: CriteriaComparison) {
    reference = comparison.rows.first { $0.pruning == nil }.flatMap { Self.point($0, in: comparison) }
    series = Self.series(comparison)
    scoreLabel = comparison.showsAccuracy ? "top-1 in %" : "loss"
    let points = series.flatMap(\.points) + [reference].compactMap { $0 }
    let scores = AxisRange(
      covering: points.map(\.score),
      within: comparison.showsAccuracy ? 0...100 : -Double.infinity...Double.infinity)
    panels = ChartPanel.Size.allCases.enumerated().map { position, size in
      ChartPanel(size, position: position, covering: points, scores: scores)
    }
  }

  private static func point(_ row: CriteriaComparison.Row, in comparison: CriteriaComparison) -> Point? {
    let score = comparison.number(row.score)
    guard score.isFinite, row.macsShare.isFinite, row.parametersShare.isFinite else { return nil }
    let name = row.pruning.map { "\(Self.name($0)), \($0.target.label)" } ?? "dense"
    let (macs, parameters) = (row.macsShare * 100, row.parametersShare * 100)
    return Point(
      macs: macs, parameters: parameters, score: score,
      title: "\(name): \(comparison.scoreName) \(comparison.text(row.score)) at \(FixedPoint.text(macs, digits: 1)) % "
        + "of the MACs and \(FixedPoint.text(parameters, digits: 1)) % of the parameters")
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
    return series
  }
}

// MARK: Drawing

extension ComparisonChart {
  private static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]
  /// Without repair, side by side, in order.
  private static let dashes = ["2 3", "8 3", ""]
  private static let referenceColour = "#777777"
  private static let referenceStroke = "stroke=\"#777777\" stroke-dasharray=\"1 3\""

  private static let legendWidth = 232.0
  private static let lineHeight = 20.0

  private var legendLeft: Double { (panels.last?.right ?? 0) + 24 }
  private var width: Double { legendLeft + Self.legendWidth }
  private var height: Double {
    ChartPanel.top + max(ChartPanel.height + 56, Self.lineHeight * Double(series.count + 2))
  }

  /// The picture, complete in itself.
  public var svg: String {
    let (width, height) = (SVG.number(self.width), SVG.number(self.height))
    let sizes = panels.map(\.size.name).joined(separator: " and ")
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" "
        + "height=\"\(height)\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">",
      "<title>\(Markup.escaped(scoreLabel)) against the shares of \(sizes)</title>",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
    ]
    for panel in panels { lines += drawn(panel) }
    lines += legend
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func drawn(_ panel: ChartPanel) -> [String] {
    var lines = panel.axes(scoreLabel)
    if let reference {
      lines += panel.level(reference, stroke: Self.referenceStroke, colour: Self.referenceColour)
    }
    for entry in series {
      lines += panel.line(entry.points, stroke: Self.stroke(entry), colour: Self.colour(entry))
    }
    return lines
  }

  private static func colour(_ series: Series) -> String { colours[series.colour % colours.count] }

  private static func stroke(_ series: Series) -> String {
    let pattern = dashes[series.dashes % dashes.count]
    return "stroke=\"\(colour(series))\"" + (pattern.isEmpty ? "" : " stroke-dasharray=\"\(pattern)\"")
  }

  private var legend: [String] {
    let start = legendLeft
    func row(_ index: Int, _ name: String, _ stroke: String) -> [String] {
      let y = ChartPanel.top + 8 + Self.lineHeight * Double(index)
      return [
        SVG.line(from: (start, y), to: (start + 28, y), "stroke-width=\"2\" \(stroke)"),
        SVG.label(name, x: start + 36, y: y + 4),
      ]
    }
    var lines = series.enumerated().flatMap { index, entry in row(index, entry.name, Self.stroke(entry)) }
    if reference != nil { lines += row(series.count, "dense", Self.referenceStroke) }
    return lines
  }
}
