import ArgumentParser
import Coppice

struct ConfigShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Prints a pipeline file with what it extends and what --set changes.")

  @Argument(help: "The pipeline file.", completion: .file(extensions: ["yaml", "yml"])) var pipeline: String
  @OptionGroup var overrides: OverrideArguments

  func run() throws { try printOut(try overrides.read(pipeline).resolved.yaml, terminator: "") }
}
