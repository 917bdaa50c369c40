import Dispatch
import Synchronization

/// The threads a kernel may divide its work among.
///
/// How work is cut into pieces follows from its shape alone, never from ``count``: results are the same to the bit with
/// one thread and with many.
public struct Workers: Sendable {
  /// The calling thread counts as one.
  public let count: Int

  public init(count: Int) { self.count = max(1, count) }

  /// The calling thread alone.
  public static let one = Workers(count: 1)

  /// As many as the machine has processors for this process.
  public static var all: Workers { Workers(count: processorCount) }

  /// Calls `body` once for every index below `pieces`, on several threads in no given order, and returns when all
  /// calls have.
  public func forEach(_ pieces: Int, _ body: (Int) -> Void) {
    guard count > 1, pieces > 1 else {
      for piece in 0..<max(0, pieces) { body(piece) }
      return
    }
    withoutActuallyEscaping(body) { body in
      if Crew.shared.forEach(pieces, count: count, body) { return }
      // The crew is busy: with another session's work, or with what this is a part of.
      // All calls return before this one does.
      nonisolated(unsafe) let body = body
      let next = Atomic(0)
      DispatchQueue.concurrentPerform(iterations: min(count, pieces)) { _ in
        while true {
          let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard piece < pieces else { return }
          body(piece)
        }
      }
    }
  }

  /// Cuts `0..<total` into ranges of `grain` (the last one shorter) and calls `body` for each. A range that would
  /// take less than about 20 µs is not worth a thread: choose the grain so.
  public func forEachRange(of total: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    let grain = max(1, grain)
    let pieces = total <= 0 ? 0 : (total - 1) / grain + 1
    forEach(pieces) { piece in
      let start = piece * grain
      body(start..<(start + min(grain, total - start)))
    }
  }

  /// So many zeros: where memory is new, most of what they take is the system's time for mapping it.
  public func zeros(_ count: Int) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { memory, filled in
      filled = count
      guard let start = memory.baseAddress else { return }
      nonisolated(unsafe) let first = start
      forEachRange(of: count, grain: 1 << 16) { (first + $0.lowerBound).initialize(repeating: 0, count: $0.count) }
    }
  }
}
