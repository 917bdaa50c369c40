import Glibc
import Synchronization

/// Threads that wait for pieces of work, for all of the process.
///
/// Kernels follow each other within microseconds, so a thread out of work looks for more for a while before it sleeps:
/// waking a sleeping one takes longer than many a kernel.
final class Crew: Sendable {
  /// One crew for the processors there are.
  static let shared = Crew(helpers: processorCount - 1)

  /// How long a thread looks for work before it sleeps, in nanoseconds: longer than kernels that take one thread.
  private static let patience = 300_000
  /// How often it looks between two glances at the clock.
  private static let looks = 256

  private let helpers: Int
  /// Whether somebody's work is being done.
  private let isTaken = Atomic(false)
  /// Counts pieces of work handed out, so that a helper sees that there is something new.
  private let round = Atomic(0)
  private let isOpen = Atomic(false)
  /// Helpers that may be looking at the work.
  private let inside = Atomic(0)
  private let next = Atomic(0)
  private let sleepers = Atomic(0)
  nonisolated(unsafe) private let lock: UnsafeMutablePointer<pthread_mutex_t>
  nonisolated(unsafe) private let bell: UnsafeMutablePointer<pthread_cond_t>
  /// The work; written only while it is closed.
  nonisolated(unsafe) private var work: (pieces: Int, helpers: Int, body: (Int) -> Void) = (0, 0, { _ in })

  private init(helpers: Int) {
    lock = .allocate(capacity: 1)
    bell = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(bell, nil)
    self.helpers = max(0, helpers)
    for index in 0..<self.helpers { start(index) }
  }

  private func start(_ index: Int) {
    let context = Unmanaged.passRetained(Helper(crew: self, index: index))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let helper = Unmanaged<Helper>.fromOpaque(context).takeRetainedValue()
        helper.crew.help(helper.index)
        return nil
      }, context.toOpaque())
    if status == 0 { pthread_detach(thread) } else { context.release() }
  }

  private final class Helper {
    let crew: Crew
    let index: Int

    init(crew: Crew, index: Int) { (self.crew, self.index) = (crew, index) }
  }

  /// Calls `body` for every piece, on the calling thread and up to `count` − 1 others.
  /// - Returns: false, having done nothing, where the crew is busy with other work or this work is part of it.
  func forEach(_ pieces: Int, count: Int, _ body: @escaping (Int) -> Void) -> Bool {
    guard helpers > 0, isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      return false
    }
    work = (pieces, min(count, pieces) - 1, body)
    next.store(0, ordering: .relaxed)
    isOpen.store(true, ordering: .sequentiallyConsistent)
    round.wrappingAdd(1, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
      pthread_mutex_lock(lock)
      pthread_cond_broadcast(bell)
      pthread_mutex_unlock(lock)
    }
    take()
    // Whoever comes in from now on finds it closed; those inside are waited for.
    isOpen.store(false, ordering: .sequentiallyConsistent)
    let isDone = Self.look { inside.load(ordering: .sequentiallyConsistent) == 0 }
    while !isDone, inside.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
    work.body = { _ in }
    isTaken.store(false, ordering: .releasing)
    return true
  }

  /// Does pieces until there are none.
  private func take() {
    let (pieces, body) = (work.pieces, work.body)
    while true {
      let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard piece < pieces else { return }
      body(piece)
    }
  }

  /// What a helper does all its life.
  private func help(_ index: Int) {
    var seen = 0
    while true {
      wait(&seen)
      inside.wrappingAdd(1, ordering: .sequentiallyConsistent)
      if isOpen.load(ordering: .sequentiallyConsistent), index < work.helpers { take() }
      inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }

  /// Returns when there is work that was not there before.
  private func wait(_ seen: inout Int) {
    if Self.look({ round.load(ordering: .acquiring) != seen }) {
      seen = round.load(ordering: .acquiring)
      return
    }
    pthread_mutex_lock(lock)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while round.load(ordering: .sequentiallyConsistent) == seen { pthread_cond_wait(bell, lock) }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(lock)
    seen = round.load(ordering: .sequentiallyConsistent)
  }

  /// Whether something comes to hold before patience ends.
  @inline(__always)
  private static func look(_ holds: () -> Bool) -> Bool {
    let end = nanoseconds() + patience
    repeat {
      for _ in 0..<looks where holds() { return true }
    } while nanoseconds() < end
    return false
  }

  private static func nanoseconds() -> Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
