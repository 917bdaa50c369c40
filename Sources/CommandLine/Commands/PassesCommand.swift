import ArgumentParser
import Coppice

struct PassesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passes",
    abstract: "Lists the passes a pipeline can run, and their options.",
    discussion: "EXAMPLE\n  coppice passes prune")

  @Argument(help: "Show this pass only.") var name: String?
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: .hidden) var markdown = false

  func run() throws {
    var passes = PassRegistry.standard.passes
    if let name {
      guard let pass = PassRegistry.standard.named(name) else {
        let hint = Suggestion.text(for: name, among: PassRegistry.standard.names)
        throw Failure.usage("there is no pass \(name)\(hint)")
      }
      passes = [pass]
    }
    if markdown { return try printOut(PassDocumentation.markdown(passes), terminator: "") }
    if json { return try printOut(PassDocumentation.json(passes).text(linesTo: 3)) }
    try printOut(
      name == nil ? table(passes.map { [$0.name, $0.abstract] }, leading: [0, 1]) : PassDocumentation.text(passes[0]))
  }
}
