import ArgumentParser

struct Completion: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a completion script for bash, zsh or fish.",
    discussion: "EXAMPLE\n  coppice completion bash > ~/.local/share/bash-completion/completions/coppice")

  @Argument(help: "The shell: bash, zsh or fish.") var shell: String

  func run() throws {
    guard let shell = CompletionShell(rawValue: shell) else {
      throw Failure.usage("there is no completion for \(shell); choose bash, zsh or fish")
    }
    try printOut(CoppiceCommand.completionScript(for: shell))
  }
}
