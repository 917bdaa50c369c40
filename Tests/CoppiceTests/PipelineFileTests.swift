import Coppice
import Foundation
import TestSupport
import Testing

@Suite("Pipeline files")
struct PipelineFileTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func read(_ text: String, set overrides: [String] = []) throws -> PipelineFile {
    let path = try folder.write(text, to: "p.yaml")
    return try PipelineFile(contentsOf: path, overrides: try overrides.map { try ConfigOverride(parsing: $0) })
  }

  /// The error of reading a file, without the folder's name.
  private func mistake(_ text: String, set overrides: [String] = []) -> String {
    do {
      _ = try read(text, set: overrides)
      return "no error"
    } catch { return "\(error)".replacing(folder.url.path + "/", with: "") }
  }

  @Test(
    "mistakes are told in one line with their place",
    arguments: [
      (
        "coppice: 1\nmodel: m.onnx\nprune: {ratoi: 0.5}",
        "p.yaml:3:9: pass prune has no option ratoi; did you mean ratio?"
      ),
      ("coppice: 1\nmodle: m.onnx", "p.yaml:2:1: there is no key modle; did you mean model?"),
      (
        "coppice: 1\nmodel: m.onnx\npipeline:\n  - prunne",
        "p.yaml:4:5: there is no pass prunne; did you mean prune?"
      ),
      ("coppice: 1\nmodel: m.onnx\nmodel: n.onnx", "p.yaml:3:1: the key model is there twice; remove one"),
      (
        "coppice: 1\nmodel: m.onnx\nseed: yes\nprune: {ratio: 0.5}",
        "p.yaml:3:7: seed of the file must be an integer of at least 0, not yes"
      ),
      (
        "coppice: 1\nmodel: m.onnx\nprune: {ratio: 1.5}",
        "p.yaml:3:16: ratio of pass prune must be a share between 0 and 1, or a percentage, not 1.5"
      ),
      (
        "coppice: 1\nmodel: m.onnx\nprune: {ratio: \"0.5\"}",
        "p.yaml:3:16: ratio of pass prune must be a share between 0 and 1, or a percentage, not the text \"0.5\""
      ),
      (
        "coppice: 1\nmodel: m.onnx\nprune: {ratio: 0.5, kinds: [chanel]}",
        "p.yaml:3:29: kinds of pass prune cannot be chanel; did you mean channel?"
      ),
      (
        "coppice: 1\nmodel: m.onnx\npipeline: [prune]",
        "p.yaml:3:12: pass prune needs ratio, macs, params or size"
      ),
      ("coppice: 2\nmodel: m.onnx", "p.yaml:1:10: this release reads version 1 of the format only"),
      ("model: m.onnx", "p.yaml:1:1: the file needs the option coppice: an integer of at least 1"),
      ("coppice: 1\nmodel: m.onnx", "p.yaml:1:1: the file has neither pipeline nor prune: nothing to do"),
      ("- 1", "p.yaml:1:1: a pipeline file is a mapping, not a list"),
      ("# nothing", "p.yaml: empty; a pipeline file starts with coppice: 1"),
      ("coppice: [1", "p.yaml:2:1: not YAML: did not find expected ',' or ']'"),
      (
        "coppice: 1\nmodel: m.onnx\npipeline: [{verify: {sample: 8}}]",
        "p.yaml:3:22: pass verify has no option sample; did you mean samples?"
      ),
      ("coppice: 1\nmodel: {pth: m.onnx}", "p.yaml:2:9: model of the file has no option pth; did you mean path?"),
      ("coppice: 1\nextends: none.yaml", "p.yaml:2:10: none.yaml: cannot be opened: No such file or directory"),
      ("coppice: 1\nextends: p.yaml", "p.yaml:2:10: p.yaml extends itself"),
      ("a: &a [*a]", "p.yaml:1:8: found undefined alias"),
    ])
  func mistakes(_ text: String, _ message: String) { #expect(mistake(text) == message) }

  @Test("a file that nests without end is refused, not a crash", arguments: ["[", "{a: ", "- ", "? "])
  func depth(_ opener: String) {
    #expect(mistake(String(repeating: opener, count: 100_000)) == "p.yaml: nested too deep")
  }

  @Test("aliases that multiply are refused")
  func laughs() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1..<8 { text += "a\(level): &a\(level) [" + String(repeating: "*a\(level - 1), ", count: 10) + "]\n" }
    #expect(mistake(text).hasSuffix("too many values"))
  }

  private let usual = """
    coppice: 1
    model: {path: models/m.onnx}
    seed: 7
    prune: {ratio: 30%, round_to: 4}
    pipeline:
      - fold-identity
      - prune
      - write: {path: step.onnx}
      - prune: {ratio: 0.1}
    output: {model: out/small.onnx, report: json}
    """

  @Test("paths start at the file's folder")
  func paths() throws {
    let file = try read(usual)
    #expect(file.modelPath == folder.path("models/m.onnx"))
    #expect(file.output.model == folder.path("out/small.onnx"))
    #expect(file.seed == 7)
    #expect(file.pipeline.passes.map { type(of: $0).name } == ["fold-identity", "prune", "write", "prune"])
  }

  @Test("--set reaches mappings, lists by position and passes by name")
  func overrides() throws {
    let file = try read(
      usual, set: ["seed=9", "pipeline.write.path=other.onnx", "pipeline.3.prune.ratio=20%", "output.plan=p.json"])
    #expect(file.seed == 9)
    #expect(file.output.plan == folder.path("p.json"))
    #expect(file.resolved.yaml.contains("other.onnx"))
    #expect(file.resolved.yaml.contains("ratio: 20%"))
    #expect(mistake(usual, set: ["sede=9"]) == "--set sede=9: there is no key sede; did you mean seed?")
    #expect(
      mistake(usual, set: ["pipeline.wirte.path=a"])
        == "--set pipeline.wirte.path=a: there is no wirte in the list; did you mean write?")
    #expect(mistake(usual, set: ["seed"]) == "--set seed: expected key=value, such as prune.ratio=0.3")
  }

  @Test("what extends another file wins over it, key by key")
  func extends() throws {
    _ = try folder.write("coppice: 1\nprune: {ratio: 0.5, round_to: 16}\nseed: 3", to: "base.yaml")
    let file = try read("extends: base.yaml\nmodel: m.onnx\nprune: {ratio: 0.25}")
    #expect(file.seed == 3)
    let prune = try #require(file.resolved["prune"])
    #expect(prune["ratio"]?.scalar == .real(0.25))
    #expect(prune["round_to"]?.scalar == .int(16))
  }

  @Test("what show prints reads back as the same")
  func show() throws {
    let file = try read(usual)
    let again = try read(file.resolved.yaml)
    #expect(again.resolved.yaml == file.resolved.yaml)
  }

  @Test("a pipeline runs and writes model, plan and report")
  func run() throws {
    try GraphText.model(LibraryTests.chain).write(to: folder.path("m.onnx"))
    let file = try read(
      """
      coppice: 1
      model: m.onnx
      prune: {ratio: 0.5}
      pipeline: [inspect, prune, verify]
      output: {model: small.onnx, plan: plan.json, report: [json]}
      """)
    let run = try PipelineRun(file)
    try run.write(overwrite: false)
    #expect(run.records.map(\.name) == ["inspect", "prune", "verify"])
    #expect(run.after.parameters < run.before.parameters)
    for name in ["small.onnx", "plan.json", "small.report.json"] {
      #expect(FileManager.default.fileExists(atPath: folder.path(name)))
    }
    #expect(throws: OutputError.self) { try PipelineRun(file) }
  }
}
