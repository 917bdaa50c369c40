import Coppice
import Glibc
import Synchronization

/// A line on a terminal that shows how far something is and how long it will take, once it takes over a second.
final class ProgressBar: Sendable {
  private struct State {
    var phase = ""
    var phaseStart = ContinuousClock.now
    var lastDrawn = ContinuousClock.now
    var isDrawn = false
  }

  private let state = Mutex(State())
  private let isTerminal: Bool

  init() { isTerminal = Self.isTerminal }

  private static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  var handler: ProgressHandler { ProgressHandler { self.show($0) } }

  private func show(_ update: ProgressUpdate) {
    guard isTerminal else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      if update.phase != state.phase {
        state.phase = update.phase
        state.phaseStart = now
        state.lastDrawn = now
      }
      let elapsed = now - state.phaseStart
      if update.completed >= update.total {
        if state.isDrawn { Self.eraseLine() }
        state.isDrawn = false
        return
      }
      guard elapsed > .seconds(1), now - state.lastDrawn > .milliseconds(100) else { return }
      state.lastDrawn = now
      state.isDrawn = true
      Self.put("\r\u{1B}[K" + Self.line(update, elapsed: Session.seconds(elapsed)))
    }
  }

  /// `scoring [=====     ] 52 %, 3 s left`.
  static func line(_ update: ProgressUpdate, elapsed seconds: Double) -> String {
    let share = update.total > 0 ? min(1, Double(update.completed) / Double(update.total)) : 0
    let filled = Int(share * 24)
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: 24 - filled)
    let left = share > 0 ? seconds * (1 - share) / share : 0
    return "\(update.phase) [\(bar)] \(Int(share * 100)) %, \(Int(left.rounded(.up))) s left"
  }

  /// Makes room for a line of text where a bar may be.
  static func eraseLine() { if isTerminal { put("\r\u{1B}[K") } }

  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
