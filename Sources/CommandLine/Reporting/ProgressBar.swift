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

  /// Whether lines can be drawn anew on standard error.
  static var isTerminal: Bool {
    guard isatty(STDERR_FILENO) == 1, let kind = getenv("TERM") else { return false }
    return String(cString: kind) != "dumb"
  }

  /// Columns of the terminal, 80 where it does not tell.
  static var terminalWidth: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

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
      Self.draw(Self.line(update, elapsed: Session.seconds(elapsed), width: Self.terminalWidth))
    }
  }

  /// `scoring [=====     ] 52 %, 3 s left`.
  static func line(_ update: ProgressUpdate, elapsed seconds: Double, width: Int) -> String {
    let share = update.total > 0 ? min(1, Double(update.completed) / Double(update.total)) : 0
    let left = share > 0 ? seconds * (1 - share) / share : 0
    let done = "\(Int(share * 100)) %"
    return line(update.phase, share: share, details: ["\(done), \(timeLeft(left))", done], width: width)
  }

  /// A title, a bar and what else there is to say, in less than the width: a terminal may go to the next line with the
  /// last column. The bar gives way first, then details do.
  /// - Parameter details: from the fullest to the shortest, of which the first that fits is taken.
  static func line(_ title: String, share: Double, details: [String], width: Int) -> String {
    let room = width - 1
    guard let detail = details.first(where: { title.count + 1 + $0.count <= room }) else {
      return String(title.prefix(max(0, room)))
    }
    let longest = min(24, room - title.count - detail.count - 4)
    guard longest >= 4 else { return "\(title) \(detail)" }
    let filled = Int(min(1, max(0, share)) * Double(longest))
    let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: longest - filled)
    return "\(title) [\(bar)] \(detail)"
  }

  /// `95 s left`, `12 min left`, `3 h 20 min left`.
  static func timeLeft(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e8 else { return "long left" }
    let whole = Int(max(0, seconds).rounded(.up))
    let minutes = (whole + 59) / 60
    if whole < 120 { return "\(whole) s left" }
    return minutes < 120 ? "\(minutes) min left" : "\(minutes / 60) h \(minutes % 60) min left"
  }

  /// Puts a line in place of the one that was drawn before.
  static func draw(_ line: String) { put("\r\u{1B}[K" + Talk.printable(line)) }

  /// Makes room for a line of text where a bar may be.
  static func eraseLine() { if isTerminal { put("\r\u{1B}[K") } }

  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count) }
  }
}
