import ArgumentParser
import Coppice
import Glibc

/// The ways a command ends, by exit code.
enum Failure: Error {
  case invalidModel(String)
  case impossible(String)
  case nothingPruned(String)
  case usage(String)
  case other(String)

  var code: Int32 {
    switch self {
    case .invalidModel: 3
    case .impossible: 4
    case .nothingPruned: 7
    case .usage: 64
    case .other: 1
    }
  }

  var message: String {
    switch self {
    case .invalidModel(let text), .impossible(let text), .nothingPruned(let text), .usage(let text), .other(let text):
      text
    }
  }

  /// - Returns: `nil` for errors of the command line itself.
  init?(_ error: any Error) {
    switch error {
    case let known as Failure: self = known
    case let file as ONNXFileError:
      self = file.isUsageError ? .usage("\(file)") : file.isInputError ? .invalidModel("\(file)") : .other("\(file)")
    case let plan as PlanError: self = .usage("\(plan)")
    default: return nil
    }
  }

  /// The error in one line, as it is said. Names in a model may be of any length.
  var line: String {
    let text = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    return "error: " + (text.count > 2000 ? "\(text.prefix(1500)) … \(text.suffix(400))" : text)
  }

  /// Says what went wrong in one line on standard error and ends the process.
  static func exit(with error: any Error) -> Never {
    guard let failure = Failure(error) else { CoppiceCommand.exit(withError: error) }
    Talk.say(failure.line)
    Glibc.exit(failure.code)
  }
}

/// Ctrl-C removes unfinished outputs.
enum Interruption {
  static func install() {
    MapGuard.install(code: 3)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        TemporaryFiles.removeAll()
        _exit(128 + number)
      }
    }
  }
}
