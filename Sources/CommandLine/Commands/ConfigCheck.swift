import ArgumentParser
import Coppice

struct ConfigCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Checks a pipeline file without running it.")

  @Argument(help: "The pipeline file.", completion: .file(extensions: ["yaml", "yml"])) var pipeline: String
  @OptionGroup var overrides: OverrideArguments
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let file = try overrides.read(pipeline)
    if !talk.quiet {
      try printOut("\(pipeline): fine, \(file.pipeline.passes.map { type(of: $0).name }.joined(separator: ", "))")
    }
  }
}
