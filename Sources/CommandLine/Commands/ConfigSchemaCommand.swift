import ArgumentParser
import Coppice

struct ConfigSchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Prints the JSON Schema of pipeline files, for editors.")

  func run() throws { try printOut(ConfigSchema.json().text(linesTo: 4)) }
}
