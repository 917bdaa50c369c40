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

  private struct Groups: Decodable {
    struct Group: Decodable {
      struct Point: Decodable {
        let kept: Int
        let outputError: Double
      }

      let id: String
      let size: Int
      /// By ascending ratio; of sensitivity alone.
      let points: [Point]?
    }

    let groups: [Group]

    static func read(_ text: String) throws -> [Group] {
      try JSONDecoder().decode(Groups.self, from: Data(text.utf8)).groups
    }
  }

  @Test("rules as ratios make pruning remove just the largest shares within the error, whatever the ratio")
  func ratios() throws {
    let tool = try Tool()
    // Neither of these shares leaves multiples of 8.
    let line = "coppice sensitivity chain.onnx --calibration noise --fit-steps 0 --samples 4 --ratios 0.3,0.6 --json"
    let tried = try Groups.read(tool.run(line).out)
    let errors = tried.flatMap { $0.points ?? [] }.map(\.outputError).sorted()
    try #require(tried.count == 2 && errors.count == 4)
    let most = (errors[1] + errors[2]) / 2
    var widths: [String: Int] = [:]
    for group in tried { widths[group.id] = group.points?.last { $0.outputError <= most }?.kept ?? group.size }
    try #require(tried.contains { widths[$0.id] != $0.size })
    let written = try tool.run("\(line) --max-error \(most) --rules rules.txt --rules-as ratios")
    #expect(written.code == 0, "\(written.err)")
    for ratio in ["0.1", "0.9"] {
      let pruned = try tool.run(
        "coppice prune chain.onnx --ratio \(ratio) --rules-from rules.txt -o small.onnx --force")
      #expect(pruned.code == 0, "\(pruned.err)")
      let left = try Groups.read(tool.run("coppice groups small.onnx --json").out)
      #expect(Dictionary(uniqueKeysWithValues: left.map { ($0.id, $0.size) }) == widths)
    }
    #expect(try tool.run("\(line) --rules-as ratios").code == 64)
    #expect(try tool.run("\(line) --max-error 1 --rules a.txt --rules-as shares").code == 64)
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

  @Test("rules may replace a file of labels, which inputs alone are read without")
  func rulesBesideLabels() throws {
    let tool = try Tool()
    // All four columns of rows.csv are inputs.
    let model = "x: float[batch, 4]\nh = MatMul(x, a[4, 8])\nr = Relu(h)\nscores = MatMul(r, b[8, 2])\nreturn scores"
    try SmallModels.write(model, to: tool.folder.appending(path: "hidden.onnx").path)
    let old = tool.folder.appending(path: "old.txt")
    try Data("old".utf8).write(to: old)
    let outcome = try tool.run(
      "coppice sensitivity hidden.onnx --calibration rows.csv --labels old.txt --max-error 0 --rules old.txt --force")
    #expect(outcome.code == 0, "\(outcome.err)")
    #expect(try String(contentsOf: old, encoding: .utf8).contains("group=ffn:a:"))
  }
}
