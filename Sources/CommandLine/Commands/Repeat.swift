import ArgumentParser
import Coppice

/// Runs many commands in one process, which makes fuzzing a hundred times as fast as a process each.
///
/// Every line of standard input is a command, its arguments parted by tabs. Standard error tells the end of each with
/// a line `done CODE` behind whatever the command said.
struct Repeat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the commands that standard input gives, one a line.", shouldDisplay: false)

  func run() throws {
    while let line = readLine() {
      var code: Int32 = 0
      do {
        var command = try CoppiceCommand.parseAsRoot(line.split(separator: "\t").map(String.init))
        try command.run()
      } catch {
        if let failure = Failure(error) {
          Talk.say(failure.line)
          code = failure.code
        } else {
          Talk.say(CoppiceCommand.fullMessage(for: error))
          code = CoppiceCommand.exitCode(for: error).rawValue
        }
      }
      Talk.say("done \(code)")
    }
  }
}
