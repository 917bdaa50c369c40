import IR

/// The results of folding a program keeps, and how much more it may keep.
///
/// A result is let go when all that reads it has been folded too: of a chain of folded nodes only the last is held.
struct FoldedConstants {
  /// Results of this size are folded whatever they are made of.
  private static let smallBytes = 1 << 24
  /// Results larger than this are not folded: they are cheaper to compute than to keep.
  private static let largeBytes = 1 << 28
  /// What weights grow by that were quantized, from one byte to four. What grows more, such as `Expand` and
  /// `ConstantOfShape`, is cheaper to make anew.
  private static let growth = 4

  /// Reads that are still to come, of what the program needs.
  private var reads: [ValueID: Int]
  /// The buffers folding has made, and how many values lie in each.
  private var buffers: [ObjectIdentifier: (byteCount: Int, users: Int)] = [:]
  /// Of all buffers folding has made and still keeps.
  private(set) var byteCount = 0
  private let budget: Int

  /// - Parameters:
  ///   - nodes: that the program needs.
  ///   - outputs: of the program; they are never let go.
  ///   - constantBytes: of the weights the program begins with.
  init(nodes: [Node], outputs: [ValueID], constantBytes: Int) {
    var reads: [ValueID: Int] = [:]
    for node in nodes {
      for value in Self.reads(node) { reads[value, default: 0] += 1 }
    }
    for output in outputs { reads[output, default: 0] += 1 }
    self.reads = reads
    budget = max(Self.largeBytes, Self.growth * min(constantBytes, 1 << 46))
  }

  private static func reads(_ node: Node) -> [ValueID] {
    node.inputs.compactMap { $0 } + node.subgraphs.flatMap { $0.referencedValues() }
  }

  /// Whether results of so many bytes are worth keeping.
  func allows(_ bytes: Int, madeOf inputBytes: Int) -> Bool {
    bytes <= max(Self.smallBytes, Self.growth * min(inputBytes, 1 << 46)) && bytes <= Self.largeBytes
      && byteCount + bytes <= budget
  }

  func isRead(_ value: ValueID) -> Bool { reads[value, default: 0] > 0 }

  /// Counts a value that is kept now.
  /// - Parameter isOwned: whether folding made its buffer; otherwise it is that of another value.
  mutating func keep(_ buffer: Buffer, isOwned: Bool) {
    let id = ObjectIdentifier(buffer)
    if isOwned {
      buffers[id] = (buffer.byteCount, 1)
      byteCount += buffer.byteCount
    } else {
      buffers[id]?.users += 1
    }
  }

  /// Counts a value that is let go.
  mutating func release(_ buffer: Buffer) {
    let id = ObjectIdentifier(buffer)
    guard let entry = buffers[id] else { return }
    buffers[id]?.users -= 1
    guard entry.users == 1 else { return }
    buffers[id] = nil
    byteCount -= entry.byteCount
  }

  /// Takes the reads of a node away that need not run.
  /// - Returns: the values nothing reads any more.
  mutating func finish(_ node: Node) -> [ValueID] {
    var unread: [ValueID] = []
    for value in Self.reads(node) {
      let count = reads[value, default: 0] - 1
      reads[value] = max(0, count)
      if count == 0 { unread.append(value) }
    }
    return unread
  }
}
