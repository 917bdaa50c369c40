import Files
import Glibc
import Synchronization

/// Ctrl-C, SIGTERM and a terminal that closes let the step at hand finish; a second one ends the process at once.
enum TrainInterruption {
  private static let first = Atomic<Int32>(0)

  /// The signal that came first, 0 before one has.
  static var number: Int32 { first.load(ordering: .relaxed) }

  static var isRequested: Bool { number != 0 }

  static func install() {
    // What the handler writes to exists before a signal can come.
    _ = isRequested
    // Who ignores it, as nohup does, wants the process to outlive the terminal.
    let hangUp = signal(SIGHUP, SIG_IGN)
    let outlives = unsafeBitCast(hangUp, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    for number in [SIGINT, SIGTERM] + (outlives ? [] : [SIGHUP]) {
      signal(number) { number in
        let change = TrainInterruption.first.compareExchange(expected: 0, desired: number, ordering: .relaxed)
        if !change.exchanged {
          TemporaryFiles.removeAll()
          _exit(128 + number)
        }
      }
    }
  }
}
