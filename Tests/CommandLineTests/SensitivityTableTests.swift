import Coppice
import Foundation
import Testing

@testable import Calibration
@testable import CommandLineTool

@Suite("Sensitivity")
struct SensitivityTableTests {
  private func entry(_ id: String, _ errors: [Double]) -> SensitivityTable.Entry {
    let points = zip([0.25, 0.5], errors).map { ratio, error in
      Sensitivity.Point(group: 0, ratio: ratio, kept: Int(8 * (1 - ratio)), outputError: error)
    }
    return SensitivityTable.Entry(id: id, size: 8, points: points)
  }

  private func found() -> SensitivityTable {
    SensitivityTable(
      [
        entry("channel:b", [0.01, 0.2]), entry("channel:a/b", [0.3, .nan]), entry("channel:a", [0.02, 0.04]),
      ], ratios: [0.25, 0.5], largestError: 0.05)
  }

  @Test("groups are listed by the error where most goes, and no number is the worst")
  func table() {
    #expect(
      found().text == """
        group        size  at 25 %  at 50 %  may go
        channel:a/b     8   30.0 %    nan %       –
        channel:b       8    1.0 %   20.0 %    25 %
        channel:a       8    2.0 %    4.0 %    50 %
        """)
  }

  @Test("rules hold the largest shares within the error, names before what is below them")
  func rules() throws {
    let text = found().rules(within: 0.05)
    #expect(
      text == """
        # The largest shares tried that change the outputs by at most 5.0 %, each group alone.
        group=channel:a:max-ratio=0.5
        group=channel:a/b:keep
        group=channel:b:max-ratio=0.25

        """)
    #expect(try RuleFile(parsing: text, path: "r.txt").rules.map(\.text).count == 3)
  }

  @Test("a mistake in a file of rules is told with its line")
  func mistake() {
    #expect(throws: (any Error).self) { try RuleFile(parsing: "# rules\n\nconv1:kep\n", path: "r.txt") }
  }

  @Test("rules of the command go into pruning")
  func wholeWay() throws {
    let tool = try Tool()
    let first = try tool.run(
      "coppice sensitivity chain.onnx --calibration noise --samples 4 --max-error 0 --rules rules.txt --json")
    #expect(first.code == 0 && first.out.contains("\"outputError\""), "\(first.err)")
    let rules = try String(contentsOf: tool.folder.appending(path: "rules.txt"), encoding: .utf8)
    #expect(rules.contains("group=channel:w1:keep") && rules.contains("group=channel:w2:keep"))
    // All groups are kept, so that nothing is left to prune.
    #expect(try tool.run("coppice prune chain.onnx --ratio 0.5 --rules-from rules.txt -o a.onnx").code == 7)
    #expect(
      try tool.run("coppice sensitivity chain.onnx --calibration noise --max-error 0 --rules rules.txt").code == 64)
    #expect(try tool.run("coppice sensitivity chain.onnx").code == 64)
  }

  @Test("rules may replace a file called noise, which is not read, but none that is")
  func rulesBesideSamples() throws {
    let tool = try Tool()
    let noise = tool.folder.appending(path: "noise")
    try Data("old".utf8).write(to: noise)
    let options = "--samples 4 --max-error 0 --force"
    let generated = try tool.run("coppice sensitivity chain.onnx --calibration noise \(options) --rules noise")
    #expect(generated.code == 0, "\(generated.err)")
    #expect(try String(contentsOf: noise, encoding: .utf8).contains("group=channel:w1:keep"))
    for samples in ["--data rows.csv --label-column -1", "--calibration rows.csv"] {
      let read = try tool.run("coppice sensitivity rows.onnx \(samples) \(options) --rules rows.csv")
      #expect(read.code != 0 && read.err.contains("a file the input is read from"), "\(read.err)")
    }
    let rows = try String(contentsOf: tool.folder.appending(path: "rows.csv"), encoding: .utf8)
    #expect(rows == SmallModels.files["rows.csv"])
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
