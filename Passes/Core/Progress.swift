/// How far something long is.
public struct ProgressUpdate: Sendable {
  /// What is going on, such as `scoring`.
  public let phase: String
  public let completed: Int
  public let total: Int

  public init(phase: String, completed: Int, total: Int) {
    self.phase = phase
    self.completed = completed
    self.total = total
  }
}

/// Receives updates; called often, so it must be quick.
public struct ProgressHandler: Sendable {
  private let handle: @Sendable (ProgressUpdate) -> Void

  public init(_ handle: @escaping @Sendable (ProgressUpdate) -> Void) { self.handle = handle }

  public static let none = ProgressHandler { _ in }

  public func callAsFunction(_ phase: String, _ completed: Int, of total: Int) {
    handle(ProgressUpdate(phase: phase, completed: completed, total: total))
  }
}
