import ArgumentParser

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks and shows pipeline files, and prints their schema.",
    subcommands: [ConfigCheck.self, ConfigShow.self, ConfigSchemaCommand.self])
}
