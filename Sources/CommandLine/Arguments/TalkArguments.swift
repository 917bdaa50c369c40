import ArgumentParser
import Calibration
import Coppice
import Logging

/// How much a command says.
struct TalkArguments: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing but errors; listings and JSON are printed nevertheless.")
  var quiet = false
  @Flag(name: .shortAndLong, help: "Say more about what is done, where there is more to say.") var verbose = false

  func validate() throws {
    if quiet, verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }

  /// Says something that is asked for by `--verbose`.
  func explain(_ text: @autoclosure () -> String) { if verbose { Talk.say(text()) } }

  /// Says what users should know of how samples were made.
  func remark(on samples: CalibrationData?) {
    if !quiet, let remark = samples?.remark { Talk.say("remark: \(remark)") }
  }

  /// A logger whose messages go the way of everything else that is said.
  var logger: Logger {
    let level: Logger.Level = verbose ? .debug : quiet ? .error : .notice
    return Logger(label: "coppice") { _ in ConsoleLogHandler(logLevel: level) }
  }

  /// Where passes talk while they work on a model.
  func context(for session: Session) -> Context {
    Context(
      model: session.model, source: Context.Source(path: session.path), logger: logger, progress: progress)
  }

  /// A progress bar on a terminal, where talk is wanted.
  var progress: ProgressHandler { quiet ? .none : ProgressBar().handler }
}
