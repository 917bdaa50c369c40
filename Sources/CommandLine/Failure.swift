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

  /// Says what went wrong in one line on standard error and ends the process.
  static func exit(with error: any Error) -> Never {
    let failure: Failure
    switch error {
    case let known as Failure: failure = known
    case let file as ONNXFileError:
      failure = file.isUsageError ? .usage("\(file)") : file.isInputError ? .invalidModel("\(file)") : .other("\(file)")
    case let plan as PlanError: failure = .usage("\(plan)")
    default: CoppiceCommand.exit(withError: error)
    }
    Talk.say("error: \(failure.message.split(separator: "\n").joined(separator: " "))")
    Glibc.exit(failure.code)
  }
}

/// Ctrl-C removes unfinished outputs.
enum Interruption {
  static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        TemporaryFiles.removeAll()
        _exit(128 + number)
      }
    }
  }
}
