import ArgumentParser
import Coppice

/// Loads a model and writes it as it is: for checking that nothing is lost on the way.
struct Copy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads a model and writes it unchanged.", shouldDisplay: false)

  @Argument(help: "The model to copy.") var model: String
  @Option(name: [.short, .long], help: ArgumentHelp("Where the copy goes.", valueName: "path")) var output: String
  @Flag(help: "Replace the output if it exists.") var force = false

  func run() throws {
    var options = ONNXWriter.Options()
    options.overwrite = force
    options.protectedPaths = [model]
    try Model(contentsOf: model).write(to: output, options: options)
  }
}
