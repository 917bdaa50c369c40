import ArgumentParser
import Coppice
import Operators

struct OperatorsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operators", abstract: "Lists the operators Coppice has a rule for.",
    discussion: "What other operators touch stays whole.\n\nEXAMPLE\n  coppice operators")

  @Flag(help: "Print JSON.") var json = false
  @Flag(help: .hidden) var markdown = false

  func run() throws {
    let names = OperatorRegistry.standard.names
    let domains = Set(names.map(\.domain)).sorted()
    func list(_ domain: String) -> [String] { names.filter { $0.domain == domain }.map(\.type) }
    func title(_ domain: String) -> String { domain.isEmpty ? "ai.onnx" : domain }
    if json {
      let object = domains.map { (title($0), JSONText.array(list($0).map { .string($0) })) }
      return try printOut(JSONText.object([("version", .int(1)), ("operators", .object(object))]).text(linesTo: 2))
    }
    guard markdown else {
      return try printOut(names.map { $0.domain.isEmpty ? $0.type : "\($0.domain).\($0.type)" }.joined(separator: "\n"))
    }
    var text = """
      # Operators

      The operators Coppice has a rule for, as `coppice operators` lists them. What others touch stays whole, and
      `coppice groups MODEL --remarks` says so. Written by `make docs`; do not edit.

      """
    for domain in domains {
      text += "\n## \(title(domain))\n\n" + list(domain).map { "`\($0)`" }.joined(separator: " ") + "\n"
    }
    try printOut(text, terminator: "")
  }
}
