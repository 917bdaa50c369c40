/// What is wrong with a configuration, and where.
public struct ConfigError: Error, Sendable, Equatable, CustomStringConvertible {
  public let location: ConfigLocation
  public let message: String

  public init(_ location: ConfigLocation, _ message: String) {
    self.location = location
    self.message = message
  }

  public var description: String { "\(location): \(message)" }
}

/// A place in a configuration file, or the flag that stands in for one.
public struct ConfigLocation: Sendable, Equatable, CustomStringConvertible {
  public let file: String
  /// From 1; 0 where the whole file, or a flag, is meant.
  public let line: Int
  /// From 1, in characters.
  public let column: Int

  public init(file: String, line: Int = 0, column: Int = 0) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { line > 0 ? "\(file):\(line):\(column)" : file }
}
