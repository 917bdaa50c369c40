import Foundation
import Testing

@Suite("Compare")
struct CompareTests {
  private func toolWithHiddenUnits() throws -> Tool {
    let tool = try Tool()
    try SmallModels.write(
      """
      x: float[batch, 3]
      h = MatMul(x, w[3, 16])
      r = Relu(h)
      scores = MatMul(r, v[16, 2])
      return scores
      """, to: tool.folder.appending(path: "hidden.onnx").path)
    return tool
  }

  @Test("parameters are a target, and a side of the chart; rounds and weights are those of pruning")
  func wholeWay() throws {
    let tool = try toolWithHiddenUnits()
    let outcome = try tool.run(
      "coppice compare hidden.onnx --data data.yaml --criteria random,l1 --params 50% --rounds 2 --weigh-groups "
        + "-o report.html --svg chart.svg --json -q")
    #expect(outcome.code == 0, "\(outcome.err)")
    let document = try #require(try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any])
    #expect(document["rounds"] as? Int == 2 && document["weighsGroups"] as? Bool == true)
    let rows = try #require(document["rows"] as? [[String: Any]])
    #expect(rows.count == 5 && rows[0]["parametersShare"] as? Double == 1)
    for row in rows.dropFirst() {
      #expect(row["target"] as? String == "params 50.0 %")
      #expect(row["parameters"] as? Int == 40 && row["parametersShare"] as? Double == 0.5)
    }
    for name in ["report.html", "chart.svg"] {
      let text = try String(contentsOf: tool.folder.appending(path: name), encoding: .utf8)
      #expect(text.contains(">MACs in % of the dense model") && text.contains(">parameters in % of the dense model"))
    }
    let report = try String(contentsOf: tool.folder.appending(path: "report.html"), encoding: .utf8)
    #expect(report.contains("Channels were scored, and a part of them removed, 2 times."))
    #expect(report.contains("Groups count by what removing a half of each does to the outputs."))
  }

  @Test("budgets of parameters and of MACs are targets of their own kinds")
  func targets() throws {
    let tool = try toolWithHiddenUnits()
    let line = "coppice compare hidden.onnx --data data.yaml --criteria l1 --repair none"
    for (options, target) in [("--macs 50%", "macs 50.0 %"), ("--params 0.5", "params 50.0 %")] {
      let outcome = try tool.run("\(line) \(options)")
      #expect(outcome.code == 0, "\(outcome.err)")
      #expect(outcome.out.contains(target) && outcome.out.contains("of parameters"))
    }
    for options in ["--macs 50% --params 50%", "--params 50% --ratios 0.5", "--macs 0.5 --ratios 0.5", ""] {
      let outcome = try tool.run("\(line) \(options)")
      #expect(outcome.code == 64)
      #expect(outcome.err.contains("say how much: one of --macs, --params and --ratios"), "\(outcome.err)")
    }
    #expect(try tool.run("\(line) --params 1.5").err.contains("--params must be more than 0 and at most 1"))
    #expect(try tool.run("\(line) --params 1%").code == 4)
  }

  @Test("numbers of rounds that there are not are refused", arguments: ["0", "1001", "-1"])
  func rounds(count: String) throws {
    let outcome = try Tool().run(
      "coppice compare rows.onnx --data data.yaml --criteria l1 --ratios 0.5 --rounds \(count)")
    #expect(outcome.code == 64 && outcome.err.contains("--rounds must be from 1 to 1000"), "\(outcome.err)")
  }

  @Test("compare says what cannot be done")
  func compareMistakes() throws {
    let tool = try Tool()
    let line = "coppice compare rows.onnx --data data.yaml"
    #expect(try tool.run("\(line) --criteria l1 --ratios 0.5").code == 7)
    #expect(try tool.run("\(line) --criteria l3 --ratios 0.5").code == 64)
    #expect(try tool.run("\(line) --criteria l1").code == 64)
    #expect(try tool.run("\(line) --criteria l1 --ratios 0.5 --macs 0.5").code == 64)
    #expect(try tool.run("\(line) --criteria l1 --ratios 0.5 --corruptions blur").code == 64)
    #expect(try tool.run("\(line) --criteria l1 --ratios 0.5 -o rows.csv --force").code == 64)
  }
}
