import Testing

@testable import Coppice

@Suite("Comparison chart")
struct ComparisonChartTests {
  private func row(
    _ criterion: String?, repair: LayerRepair = .none, share: Double, parameters: Double? = nil, top1: Double?,
    loss: Double = 1
  ) -> CriteriaComparison.Row {
    CriteriaComparison.Row(
      pruning: criterion.map {
        CriteriaComparison.Pruning(criterion: $0, target: .macs(.fraction(0.5)), repair: repair)
      },
      parameters: 1000, parametersShare: parameters ?? share, macs: 2000, macsShare: share,
      score: CriteriaComparison.Score(top1: top1, loss: loss))
  }

  private func count(_ part: String, in text: String) -> Int {
    text.split(separator: part, omittingEmptySubsequences: false).count - 1
  }

  @Test("an axis goes from a round number to a round number")
  func range() {
    let whole = AxisRange(covering: [3, 100], within: 0...100)
    #expect(whole.low == 0 && whole.high == 100 && whole.ticks == [0, 20, 40, 60, 80, 100])
    let unit = AxisRange(covering: [0.1, 0.9])
    #expect(unit.step == 0.2 && unit.digits == 1 && unit.low == 0 && unit.high == 1)
    #expect(unit.place(0.25) == 0.25)
  }

  @Test("one number, or none, has an axis too, and limits are not crossed")
  func singleValue() {
    let single = AxisRange(covering: [100], within: 0...100)
    #expect(single.ticks == [94, 96, 98, 100] && single.high == 100)
    let none = AxisRange(covering: [.nan])
    #expect(none.low == 0 && none.high == 1)
    let zero = AxisRange(covering: [0, 0])
    #expect(zero.low < 0 && zero.high > 0 && zero.ticks.allSatisfy(\.isFinite))
  }

  @Test("each criterion and repair is a line through its points, in each panel by what it shows")
  func lines() {
    let chart = ComparisonChart(
      CriteriaComparison(rows: [
        row(nil, share: 1, top1: 0.9), row("l1", share: 0.75, parameters: 0.5, top1: 0.8),
        row("l1", share: 0.5, parameters: 0.625, top1: 0.7),
        row("l1", repair: .sequential, share: 0.75, top1: 0.85), row("l2", share: 0.75, top1: 0.8),
      ]))
    #expect(chart.series.map(\.name) == ["l1", "l1, seq", "l2"])
    #expect(chart.series.map(\.colour) == [0, 0, 1] && chart.series.map(\.dashes) == [0, 2, 0])
    let points = chart.panels.map { $0.ordered(chart.series[0].points) }
    #expect(points[0].map(\.macs) == [50, 75] && points[0].map(\.score) == [70, 80])
    #expect(points[1].map(\.parameters) == [50, 62.5] && points[1].map(\.score) == [80, 70])
    #expect(count("<circle", in: chart.svg) == 2 * 5 && count("<polyline", in: chart.svg) == 2)
    let title = "l1, macs 50.0 %: top-1 70.00 % at 50.0 % of the MACs and 62.5 % of the parameters"
    #expect(count("<title>\(title)</title>", in: chart.svg) == 2)
  }

  @Test("panels lie side by side with the same scores, which are named once")
  func panels() {
    let chart = ComparisonChart(
      CriteriaComparison(rows: [row(nil, share: 1, top1: 1), row("l1", share: 0.5, parameters: 0.25, top1: 0)]))
    #expect(chart.panels.map(\.size) == [.macs, .parameters])
    #expect(chart.panels[0].right < chart.panels[1].left)
    for label in ["MACs in % of the dense model&#39;s", "parameters in % of the dense model&#39;s", "top-1 in %"] {
      #expect(count(">\(label)</text>", in: chart.svg) == 1)
    }
    // Half of the MACs are at the left end of an axis from 50 to 100, a quarter of the parameters within one from 20.
    #expect(count("<circle cx=\"64.0\" cy=\"344.0\"", in: chart.svg) == 1)
    #expect(count("<circle cx=\"478.5\" cy=\"344.0\"", in: chart.svg) == 1)
    #expect(count("cy=\"24.0\"", in: chart.svg) == 2)
  }

  @Test("a single point is drawn without a line, inside the picture")
  func onePoint() {
    let svg = ComparisonChart(CriteriaComparison(rows: [row("l1", share: 0.5, top1: 1)])).svg
    #expect(count("<circle", in: svg) == 2 && count("<polyline", in: svg) == 0)
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test("losses are shown where there are no classes, and what is no number is left out")
  func losses() {
    let chart = ComparisonChart(
      CriteriaComparison(rows: [
        row(nil, share: 1, top1: nil, loss: 0.5), row("l1", share: 0.5, top1: nil, loss: .nan),
      ]))
    #expect(chart.scoreLabel == "loss" && chart.series.isEmpty && chart.reference?.score == 0.5)
  }

  @Test("names cannot become markup")
  func escaping() {
    #expect(Markup.escaped("<b>&\"'\u{1}\n") == "&lt;b&gt;&amp;&quot;&#39;\u{FFFD}\n")
    let comparison = CriteriaComparison(rows: [row("<script>\"&", share: 0.5, top1: 0.5)])
    let report = ComparisonReport(comparison, title: "<script>a</script>.onnx", notes: ["<i>"]).html
    #expect(!report.contains("<script>") && !report.contains("<i>"))
    #expect(report.contains("<h1>&lt;script&gt;a&lt;/script&gt;.onnx</h1>"))
    #expect(report.contains("<td class=\"name\">&lt;script&gt;&quot;&amp;</td>"))
  }

  @Test("a report needs no other file and is the same every time")
  func report() {
    let comparison = CriteriaComparison(
      rows: [row(nil, share: 1, top1: 0.9), row("l1", share: 0.5, parameters: 0.25, top1: 0.8)])
    let report = ComparisonReport(comparison, title: "m.onnx")
    #expect(report.html == ComparisonReport(comparison, title: "m.onnx").html)
    #expect(report.html.contains("<svg ") && report.html.contains("<table>"))
    #expect(!report.html.contains("src=") && !report.html.contains("href="))
    #expect(comparison.table[2] == ["l1", "macs 50.0 %", "none", "1,000", "25.0 %", "2,000", "50.0 %", "80.00 %"])
  }
}
