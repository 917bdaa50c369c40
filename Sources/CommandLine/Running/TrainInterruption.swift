import Files
import Glibc
import Synchronization

/// Ctrl-C, SIGTERM and a terminal that closes let the step at hand finish; a second Ctrl-C or SIGTERM ends
/// the process at once.
enum TrainInterruption {
  private static let first = Atomic<Int32>(0)

  /// The signal that came first, 0 before one has.
  static var number: Int32 { first.load(ordering: .relaxed) }

  static var isRequested: Bool { number != 0 }

  static func install() {
    // What the handler writes to exists before a signal can come.
    _ = isRequested
    // Who reads what is said may end first, as `tee` does at Ctrl-C; the checkpoint is still to be written.
    signal(SIGPIPE, SIG_IGN)
    for number in Interruption.signals {
      signal(number) { number in
        let change = TrainInterruption.first.compareExchange(expected: 0, desired: number, ordering: .relaxed)
        // Of a terminal that closes both the system and the shell tell.
        if !change.exchanged, number != SIGHUP {
          TemporaryFiles.removeAll()
          _exit(128 + number)
        }
      }
    }
  }
}
