import ArgumentParser
import Coppice
import DataSources
import Files
import Glibc
import Runtime
import Training

/// The ways a command ends, by exit code.
enum Failure: Error {
  case invalidModel(String)
  case impossible(String)
  case mismatch(String)
  case nothingPruned(String)
  case usage(String)
  /// Stopped by a signal, with what was reached saved.
  case interrupted(String, by: Int32 = SIGINT)
  case other(String)

  var code: Int32 {
    switch self {
    case .invalidModel: 3
    case .impossible: 4
    case .mismatch: 6
    case .nothingPruned: 7
    case .usage: 64
    case .interrupted(_, let signal): 128 + signal
    case .other: 1
    }
  }

  var message: String {
    switch self {
    case .invalidModel(let text), .impossible(let text), .mismatch(let text), .nothingPruned(let text),
      .usage(let text), .interrupted(let text, _), .other(let text):
      text
    }
  }

  /// The same failure with what it is about in front of it.
  func prefixed(_ path: String) -> Failure {
    let text = "\(path): \(message)"
    return switch self {
    case .invalidModel: .invalidModel(text)
    case .impossible: .impossible(text)
    case .mismatch: .mismatch(text)
    case .nothingPruned: .nothingPruned(text)
    case .usage: .usage(text)
    case .interrupted(_, let signal): .interrupted(text, by: signal)
    case .other: .other(text)
    }
  }

  /// - Returns: `nil` for errors of the command line itself.
  init?(_ error: any Error) {
    switch error {
    case let known as Failure: self = known
    case let file as ONNXFileError: self = .invalidModel("\(file)")
    case let output as OutputError: self = output.isUsageError ? .usage("\(output)") : .other("\(output)")
    case let plan as PlanError: self = .usage("\(plan)")
    case let config as ConfigError: self = .usage("\(config)")
    case let pass as PassError: self = Failure(pass)
    case let graph as GraphError: self = .invalidModel("\(graph)")
    case let analysis as AnalysisError: self = .invalidModel("\(analysis)")
    case let runtime as RuntimeError: self = .invalidModel("\(runtime)")
    case let training as TrainingError: self = Failure(training)
    case let data as DataError: self = data.isUsageError ? .usage("\(data)") : .invalidModel("\(data)")
    default: return nil
    }
  }

  private init(_ error: TrainingError) {
    self =
      switch error.kind {
      case .settings: .usage("\(error)")
      case .data, .model: .invalidModel("\(error)")
      case .diverged: .other("\(error)")
      }
  }

  private init(_ error: PassError) {
    self =
      switch error {
      case .invalidModel(let text): .invalidModel(text)
      case .impossible(let text): .impossible(text)
      case .mismatch(let text): .mismatch(text)
      case .nothingPruned(let text): .nothingPruned(text)
      case .usage(let text): .usage(text)
      case .other(let text): .other(text)
      case .cancelled: .other("cancelled")
      }
  }

  /// The error in one line, as it is said. Names in a model may be of any length.
  var line: String {
    let text = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    return "error: " + (text.count > 2000 ? "\(text.prefix(1500)) … \(text.suffix(400))" : text)
  }

  /// Says what went wrong in one line on standard error and ends the process.
  static func exit(with error: any Error) -> Never {
    guard let failure = Failure(error) ?? usageMistake(error) else { CoppiceCommand.exit(withError: error) }
    ProgressBar.eraseLine()
    Talk.say(failure.line)
    Glibc.exit(failure.code)
  }

  /// A mistake in the arguments; `nil` for requests for help and the version, which come the same way.
  private static func usageMistake(_ error: any Error) -> Failure? {
    guard CoppiceCommand.exitCode(for: error) != .success else { return nil }
    let text = CoppiceCommand.message(for: error)
    guard CoppiceCommand.exitCode(for: error) == .validationFailure else { return .other(text) }
    return .usage("\(text); see \(commandPath().joined(separator: " ")) --help")
  }

  /// The subcommand the arguments name, as far as they name one.
  private static func commandPath() -> [String] {
    var path = ["coppice"]
    var commands = CoppiceCommand.configuration.subcommands
    for argument in CommandLine.arguments.dropFirst() {
      guard let next = commands.first(where: { $0._commandName == argument }) else { break }
      path.append(argument)
      commands = next.configuration.subcommands
    }
    return path
  }
}

/// Ctrl-C, SIGTERM and a terminal that closes remove unfinished outputs.
enum Interruption {
  /// The signals that end a process.
  static let signals: [Int32] = {
    var hangUp = sigaction()
    sigaction(SIGHUP, nil, &hangUp)
    // Who has it ignored from the start, as nohup does, wants the process to outlive the terminal.
    let isIgnored =
      unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    return [SIGINT, SIGTERM] + (isIgnored ? [] : [SIGHUP])
  }()

  static func install() {
    // A limit on file sizes is an error of the write, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    MapGuard.install(code: 3)
    TemporaryFiles.prepare()
    for number in signals {
      signal(number) { number in
        TemporaryFiles.removeAll()
        _exit(128 + number)
      }
    }
  }
}
