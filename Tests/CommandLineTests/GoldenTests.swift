import Foundation
import Testing

/// Whole command lines with everything they print and the code they end with.
///
/// The files in Golden hold what is expected; `make golden` writes them anew, to be reviewed as code.
@Suite("Golden")
struct GoldenTests {
  static let cases: [(name: String, lines: [String])] = [
    ("help", ["coppice --help"]),
    ("help-prune", ["coppice prune --help"]),
    ("help-plan", ["coppice plan --help"]),
    ("help-apply", ["coppice apply --help"]),
    ("help-inspect", ["coppice inspect --help"]),
    ("help-groups", ["coppice groups --help"]),
    ("help-run", ["coppice run --help"]),
    ("help-verify", ["coppice verify --help"]),
    ("help-infer", ["coppice infer --help"]),
    ("help-bench", ["coppice bench --help"]),
    ("help-eval", ["coppice eval --help"]),
    ("help-train", ["coppice train --help"]),
    ("help-passes", ["coppice passes --help"]),
    ("help-config", ["coppice config --help", "coppice config check --help"]),
    ("help-completion", ["coppice completion --help"]),
    ("inspect", ["coppice inspect chain.onnx", "coppice inspect stuck.onnx", "coppice inspect norm.onnx"]),
    ("inspect-json", ["coppice inspect stuck.onnx --json"]),
    ("groups", ["coppice groups chain.onnx", "coppice groups stuck.onnx"]),
    (
      "groups-remarks",
      [
        "coppice groups stuck.onnx --remarks", "coppice groups norm.onnx --remarks",
        "coppice groups chain.onnx --remarks",
      ]
    ),
    ("groups-json", ["coppice groups chain.onnx --json", "coppice groups stuck.onnx --json"]),
    ("plan", ["coppice plan chain.onnx --ratio 0.9 --round-to 1", "coppice plan chain.onnx --ratio 0.5 -v -o p.json"]),
    (
      "prune",
      [
        "coppice prune chain.onnx --ratio 0.5 -o a.onnx", "coppice prune chain.onnx --ratio 0.3 -o b.onnx -v",
        "coppice prune chain.onnx --ratio 0.5 -o c.onnx -q", "coppice prune chain.onnx --ratio 0.5 -o d.onnx --json",
        "coppice prune chain.onnx --ratio 0.5 -o a.onnx", "coppice prune chain.onnx --ratio 0.5 -o a.onnx --force -q",
      ]
    ),
    (
      "apply",
      [
        "coppice plan chain.onnx --ratio 0.5 -o p.json", "coppice apply chain.onnx --plan p.json -o a.onnx",
        "coppice apply chain.onnx --plan p.json -o b.onnx --json", "coppice apply norm.onnx --plan p.json -o c.onnx",
        "coppice apply chain.onnx --plan good.yaml -o c.onnx",
      ]
    ),
    (
      "verify",
      [
        "coppice plan chain.onnx --ratio 0.5 -o p.json", "coppice apply chain.onnx --plan p.json -o a.onnx",
        "coppice prune chain.onnx --ratio 0.25 -q -o b.onnx",
        "coppice prune chain.onnx --ratio 0.5 --criterion random -q -o c.onnx",
        "coppice verify chain.onnx a.onnx", "coppice verify chain.onnx a.onnx --plan p.json",
        "coppice verify chain.onnx a.onnx --plan p.json -q", "coppice verify chain.onnx norm.onnx",
        "coppice verify chain.onnx b.onnx --plan p.json", "coppice verify chain.onnx c.onnx --plan p.json",
        "coppice verify chain.onnx b.onnx --plan p.json --json",
      ]
    ),
    (
      "run",
      [
        "coppice run good.yaml", "coppice run good.yaml", "coppice run good.yaml --force -v",
        "coppice run good.yaml --force -q", "coppice run good.yaml -o other.onnx --set output.plan=o.json --json",
        "coppice verify waste.onnx other.onnx",
      ]
    ),
    (
      "run-mistakes",
      [
        "coppice run misspelt.yaml", "coppice run unknown.yaml", "coppice run wrong-type.yaml",
        "coppice run twice.yaml", "coppice run none.yaml", "coppice run chain.onnx",
        "coppice run good.yaml --set prune.ratoi=0.3", "coppice run good.yaml --set prune.ratio=2",
        "coppice run good.yaml --set model.path=none.onnx",
        "coppice run good.yaml --set output.model=waste.onnx --force",
        "coppice run stuck.yaml", "coppice run",
      ]
    ),
    (
      "config",
      [
        "coppice config check good.yaml", "coppice config check unknown.yaml",
        "coppice config show good.yaml --set prune.ratio=0.25",
      ]
    ),
    ("config-schema", ["coppice config schema"]),
    ("passes", ["coppice passes", "coppice passes prune", "coppice passes verify --json", "coppice passes wirte"]),
    (
      "data",
      [
        "coppice eval rows.onnx --data rows.csv --label-column -1", "coppice eval rows.onnx --data data.yaml",
        "coppice eval rows.onnx --data data.yaml --mean 0 --std 1", "coppice eval rows.onnx --data rows.csv",
        "coppice eval rows.onnx --data stray.csv --label-column -1",
        "coppice eval rows.onnx --data words.csv --label-column -1", "coppice eval rows.onnx --data none.npz",
        "coppice eval rows.onnx --data misspelt-data.yaml", "coppice eval rows.onnx --data wrong-data.yaml",
        "coppice eval rows.onnx --data good.yaml", "coppice eval rows.onnx --data rows.csv --label-column 7",
        "coppice eval rows.onnx --data rows.csv --std 0", "coppice eval rows.onnx --data rows.csv --std -1",
        "coppice eval rows.onnx --data rows.csv --label-column -1 --header yes",
        "coppice eval rows.onnx --data rows.csv --separator ::", "coppice eval rows.onnx --data data.yaml --batch 0",
        "coppice eval stuck.onnx --data data.yaml",
        "coppice train rows.onnx --data data.yaml --augment flip --lr 0.1 --steps 1 -o a.onnx",
        "coppice train rows.onnx --data stray.csv --label-column -1 --lr 0.1 --steps 1 -o a.onnx",
        "coppice train rows.onnx --data data.yaml --validation stray.csv --lr 0.1 --steps 1 -o a.onnx",
        "coppice train rows.onnx --data data.yaml --lr 0.1 --steps 1 -o none/a.onnx",
        "coppice train rows.onnx --data data.yaml --lr 0.1 --steps 1 -o a.onnx --resume none.checkpoint",
        "coppice infer rows.onnx --input none.npz -o y.npz", "coppice infer rows.onnx --input none.npz -o none/y.npz",
      ]
    ),
    ("train-mistakes", trainMistakes), ("hesso-mistakes", hessoMistakes),
    (
      "mistakes",
      [
        "coppice inspect none.onnx", "coppice inspect broken.onnx", "coppice prune broken.onnx --ratio 0.5 -o x.onnx",
        "coppice prune stuck.onnx --ratio 0.5 -o x.onnx", "coppice prune chain.onnx --ratio 0.5 -o chain.onnx --force",
        "coppice prune chain.onnx --ratio 0.5 -o none/x.onnx", "coppice prune chain.onnx --ratio 1.5 -o x.onnx",
        "coppice prune chain.onnx --ratio 0.5", "coppice prune chain.onnx --ratio half -o x.onnx",
        "coppice prune chain.onnx --ratio 0.5 --kinds chanel -o x.onnx",
        "coppice prune chain.onnx --ratio 0.5 --criterion l3 -o x.onnx",
        "coppice prune chain.onnx --ratoi 0.5 -o x.onnx", "coppice prune chain.onnx --ratio 0.5 --rounds 0 -o x.onnx",
        "coppice prnue", "coppice inspect chain.onnx -q -v", "coppice completion tcsh", "coppice --version",
      ]
    ),
  ]

  private static let trainMistakes: [String] =
    [
      "rows.onnx --lr 0.1 --optimizer adam --momentum 0.9", "rows.onnx --lr 0.1 --optimizer adamw --nesterov",
      "rows.onnx --lr 0.1 --nesterov", "rows.onnx --lr 0.1 --momentum 0 --nesterov",
      "rows.onnx --lr 0.1 --loss mse --label-smoothing 0.1", "rows.onnx --lr 0.1 --temperature 2",
      "rows.onnx --lr 0.1 --teacher-share 0.5", "rows.onnx --lr 0.1 --momentum 1", "rows.onnx --lr 0.1 --epochs 2",
      "rows.onnx --lr 0.1 --teacher chain.onnx", "rows.onnx --lr 0.1 --teacher wide.onnx", "rows.onnx --lr 1e39",
      "pair.onnx --lr 0.1",
    ].map { "coppice train \($0) --data data.yaml --steps 4 --batch 3 -o a.onnx" }

  private static let hessoMistakes: [String] =
    [
      "rows.onnx --sparsity 0.5", "rows.onnx --optimizer hesso", "rows.onnx --optimizer hesso --sparsity 1.5",
      "rows.onnx --optimizer hesso --sparsity 0.5 --macs 50%", "rows.onnx --optimizer hesso --macs half",
      "rows.onnx --optimizer hesso --sparsity 0.5 --base adam --momentum 0.9",
      "rows.onnx --optimizer hesso --sparsity 0.5 --cric-steps 3",
      "rows.onnx --optimizer hesso --sparsity 0.5 --cric --periods 3",
      "rows.onnx --optimizer hesso --sparsity 0.5 --round-to 0",
      "rows.onnx --optimizer hesso --sparsity 0.5 --kinds chanel",
      "rows.onnx --optimizer hesso --sparsity 0.5 --zeroed -",
      "rows.onnx --optimizer hesso --sparsity 0.5 --zeroed a.onnx",
      "rows.onnx --optimizer hesso --sparsity 0.5", "rows.onnx --optimizer hesso --sparsity 0.5 --pruning-steps 9",
    ].map { "coppice train \($0) --lr 0.1 --data data.yaml --steps 4 --batch 3 -o a.onnx" }

  @Test("command lines print what they should", arguments: cases.map(\.name))
  func golden(_ name: String) throws {
    let lines = try #require(Self.cases.first { $0.name == name }).lines
    let tool = try Tool()
    var text = ""
    for line in lines {
      let outcome = try tool.run(line)
      text += "$ \(line)\n\(Normalized.text(outcome.out))"
      text += Normalized.text(outcome.err).split(separator: "\n").map { "! \($0)\n" }.joined()
      text += "= \(outcome.code)\n\n"
    }
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).txt")
    if ProcessInfo.processInfo.environment["COPPICE_GOLDEN"] == "write" {
      try Data(text.utf8).write(to: file)
      return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    let difference = firstDifference(expected, text)
    #expect(difference == nil, "\(name): \(difference ?? "")\nmake golden writes the files anew")
  }

  private func firstDifference(_ expected: String, _ found: String) -> String? {
    let (a, b) = (
      expected.split(separator: "\n", omittingEmptySubsequences: false),
      found.split(separator: "\n", omittingEmptySubsequences: false)
    )
    for (index, pair) in zip(a, b).enumerated() where pair.0 != pair.1 {
      return "line \(index + 1):\nexpected: \(pair.0)\n   found: \(pair.1)"
    }
    return a.count == b.count ? nil : "expected \(a.count) lines, found \(b.count)"
  }
}

/// Output without what differs from run to run: times and hashes.
enum Normalized {
  static func text(_ text: String) -> String {
    text.replacing(#/("[a-zA-Z]*[sS]econds": )[0-9.e-]+/#) { "\($0.output.1)TIME" }
      .replacing(#/: [0-9.]+ ms/#) { _ in ": TIME ms" }
      .replacing(#/in [0-9.e-]+ s\n/#) { _ in "in TIME s\n" }
      .replacing(#/relative error [0-9.e-]+/#) { _ in "relative error ERROR" }
      .replacing(#/("maxRelativeError": )[0-9.e-]+/#) { "\($0.output.1)ERROR" }
      .replacing(#/("maxAbsoluteError": [0-9]+\.[0-9]{0,2})[0-9.e-]*/#) { "\($0.output.1)" }
      .replacing(#/[0-9a-f]{64}/#) { _ in "SHA256" }
  }
}
