import Foundation
import Testing

/// What `plan` decides and `apply` carries out is what `prune` does at once.
@Suite("Plan and apply")
struct ApplyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let model: String
    /// What only a decision needs, and what the repair is given as well.
    let decision: String
    let repair: String

    var testDescription: String { "\(model) \(decision) \(repair)" }
  }

  private static let mixing = """
    x: float[batch, 4]
    h = MatMul(x, a[4, 32])
    r = Relu(h)
    i = MatMul(r, b[32, 16])
    s = Relu(i)
    y = MatMul(s, c[16, 2])
    return y
    """

  private func tool() throws -> Tool {
    let tool = try Tool()
    try SmallModels.write(Self.mixing, to: tool.folder.appending(path: "mixing.onnx").path)
    let rows = (0..<64).map { row in
      [5, 12, 19, 3].map { "\(row * $0 % 23 - 11)" }.joined(separator: ",")
    }
    try Data((rows.joined(separator: "\n") + "\n").utf8).write(to: tool.folder.appending(path: "x.csv"))
    return tool
  }

  private func bytes(_ name: String, of tool: Tool) throws -> Data {
    try Data(contentsOf: tool.folder.appending(path: name))
  }

  /// - Returns: what it said on standard error.
  @discardableResult
  private func succeed(_ line: String, with tool: Tool) throws -> String {
    let outcome = try tool.run("coppice \(line)")
    try #require(outcome.code == 0, "\(line): \(outcome.err)")
    return outcome.err
  }

  static let cases = [
    Case(model: "mixing.onnx", decision: "--criterion obspa", repair: "--calibration x.csv"),
    Case(model: "mixing.onnx", decision: "--criterion obspa --seed 7", repair: "--calibration x.csv --samples 24"),
    Case(model: "mixing.onnx", decision: "--criterion ziplm --rounds 2", repair: "--calibration x.csv --batch 8"),
    Case(
      model: "mixing.onnx", decision: "--criterion obspa", repair: "--calibration x.csv --repair par --damping 0.5"),
    Case(model: "mixing.onnx", decision: "--criterion l2", repair: "--calibration x.csv --repair seq"),
    Case(
      model: "chain.onnx", decision: "--criterion obspa --seed 3",
      repair: "--calibration noise --samples 2 --fit-steps 3"),
    Case(
      model: "chain.onnx", decision: "--criterion obspa",
      repair: "--calibration noise --samples 4 --fit-steps 0 --input-shape image=1x3x8x8"),
  ]

  @Test("a plan that is applied with the same samples makes the model that prune makes, to the bit", arguments: cases)
  func sameModel(_ own: Case) throws {
    let tool = try tool()
    try succeed("plan \(own.model) --ratio 0.5 \(own.decision) \(own.repair) -o p.json", with: tool)
    let said = try succeed("apply \(own.model) --plan p.json \(own.repair) -o applied.onnx -v", with: tool)
    #expect(said.contains("not made up for"), "\(said)")
    #expect(!said.contains(Self.sliced), "\(said)")
    try succeed("prune \(own.model) --ratio 0.5 \(own.decision) \(own.repair) -o pruned.onnx", with: tool)
    try succeed("apply \(own.model) --plan p.json --repair none -o sliced.onnx", with: tool)
    // Where they come from is the same too: prune writes the digest of the plan it might have written.
    #expect(try bytes("applied.onnx", of: tool) == bytes("pruned.onnx", of: tool))
    #expect(try bytes("applied.onnx", of: tool) != bytes("sliced.onnx", of: tool))
  }

  @Test("where samples are given, layers are repaired one after the other, whatever criterion chose")
  func usualOrder() throws {
    let tool = try tool()
    try succeed("plan mixing.onnx --ratio 0.5 -o p.json", with: tool)
    try succeed("apply mixing.onnx --plan p.json --calibration x.csv -o usual.onnx", with: tool)
    try succeed("apply mixing.onnx --plan p.json --calibration x.csv --repair seq -o seq.onnx", with: tool)
    try succeed("apply mixing.onnx --plan p.json --calibration x.csv --repair par -o par.onnx", with: tool)
    #expect(try bytes("usual.onnx", of: tool) == bytes("seq.onnx", of: tool))
    #expect(try bytes("usual.onnx", of: tool) != bytes("par.onnx", of: tool))
  }

  private static let planned = "remark: a plan says only what goes; coppice apply repairs layers"
  private static let sliced = "and they are not: give --calibration or --data"

  @Test("plan says where layers are repaired, apply where they are not, each once", arguments: ["obspa", "ziplm"])
  func remarks(criterion: String) throws {
    let tool = try tool()
    let line = "plan mixing.onnx --ratio 0.5 --criterion \(criterion) --calibration x.csv"
    #expect(try succeed("\(line) -o p.json", with: tool).components(separatedBy: Self.planned).count == 2)
    let said = try succeed("apply mixing.onnx --plan p.json -o a.onnx", with: tool)
    #expect(said.components(separatedBy: "remark: ").count == 2)
    #expect(
      said.contains("remark: \(criterion) chose as if layers were repaired") && said.contains(Self.sliced), "\(said)")
  }

  @Test("nothing is remarked on where no repair is presumed, or none is wanted")
  func noRemarks() throws {
    let tool = try tool()
    #expect(try !succeed("plan mixing.onnx --ratio 0.5 -o l2.json", with: tool).contains(Self.planned))
    #expect(try !succeed("apply mixing.onnx --plan l2.json -o a.onnx", with: tool).contains("remark"))
    let said = try succeed(
      "plan mixing.onnx --ratio 0.5 --criterion obspa --calibration x.csv --repair none -o p.json", with: tool)
    #expect(!said.contains(Self.planned), "\(said)")
    #expect(try !succeed("apply mixing.onnx --plan p.json --repair none -o b.onnx", with: tool).contains("remark"))
    #expect(try succeed("apply mixing.onnx --plan p.json -o c.onnx -q", with: tool).isEmpty)
    // A repair that is asked for is no more done by plan than one that is usual.
    let asked = try succeed("plan mixing.onnx --ratio 0.5 --repair par -o q.json", with: tool)
    #expect(asked.contains(Self.planned), "\(asked)")
  }

  @Test("samples are not replaced by what comes of them", arguments: ["plan", "prune"])
  func samplesStay(command: String) throws {
    let tool = try tool()
    let before = try bytes("x.csv", of: tool)
    let outcome = try tool.run(
      "coppice \(command) mixing.onnx --ratio 0.5 --criterion obspa --calibration x.csv -o x.csv --force")
    #expect(outcome.code != 0 && outcome.err.contains("a file the input is read from"), "\(outcome.err)")
    #expect(try bytes("x.csv", of: tool) == before)
  }

  @Test("what changes nothing, lacks samples or would replace them is refused")
  func mistakes() throws {
    let tool = try tool()
    try succeed("plan mixing.onnx --ratio 0.5 -o p.json", with: tool)
    let samples = try bytes("x.csv", of: tool)
    for (options, message) in [
      ("-o a.onnx --repair par", "repairing layers (par) needs samples (--data or --calibration)"),
      ("-o a.onnx --calibration x.csv --weigh-groups", "--weigh-groups says what goes"),
      ("-o x.csv --calibration x.csv --force", "a file the input is read from"),
      ("-o p.json --force", "a file the input is read from"),
    ] {
      let outcome = try tool.run("coppice apply mixing.onnx --plan p.json \(options)")
      #expect(outcome.code == 64 && outcome.err.contains(message), "\(options): \(outcome.err)")
    }
    #expect(try bytes("x.csv", of: tool) == samples)
  }
}
