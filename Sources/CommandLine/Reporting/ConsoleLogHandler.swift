import Logging

/// Writes log messages as lines on standard error, warnings and errors named as such.
struct ConsoleLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(logLevel: Logger.Level) { self.logLevel = logLevel }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let prefix = event.level >= .error ? "error: " : event.level == .warning ? "warning: " : ""
    ProgressBar.eraseLine()
    Talk.say(prefix + event.message.description)
  }
}
