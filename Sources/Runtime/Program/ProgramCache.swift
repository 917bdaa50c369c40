/// Programs by what they were compiled for. Those that have not been used for longest go first where they become many or
/// large; the last one always stays.
struct ProgramCache<Key: Hashable & Sendable>: Sendable {
  /// A program runs one call at a time: whoever holds the cache sees to that.
  struct Entry: @unchecked Sendable {
    let program: Program
    fileprivate var lastUse = 0

    init(_ program: Program) { self.program = program }
  }

  private var entries: [Key: Entry] = [:]
  private var uses = 0
  private let countLimit: Int
  private let byteLimit: Int

  init(countLimit: Int, byteLimit: Int) {
    self.countLimit = countLimit
    self.byteLimit = byteLimit
  }

  var count: Int { entries.count }

  /// Memory of the programs that is theirs alone.
  var byteCount: Int { entries.values.reduce(0) { $0 + $1.program.ownBytes } }

  mutating func entry(for key: Key) -> Entry? {
    guard entries[key] != nil else { return nil }
    uses += 1
    entries[key]?.lastUse = uses
    return entries[key]
  }

  mutating func insert(_ entry: Entry, for key: Key) {
    uses += 1
    entries[key] = entry
    entries[key]?.lastUse = uses
    while entries.count > 1, entries.count > countLimit || byteCount > byteLimit {
      guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key else { return }
      entries[oldest] = nil
    }
  }
}
