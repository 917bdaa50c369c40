import IR

/// Tells things apart that a checkpoint must not confuse: FNV-1a over 64 bits. No protection against those who mean to
/// confuse it.
struct Fingerprint {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  init() {}

  /// Of the nodes of a model and the elements of its initializers.
  init(of model: Model) {
    for node in model.graph.nodes {
      add(node.opType)
      for value in node.inputs + node.outputs { add(value.map { model.name(of: $0) } ?? "") }
      for attribute in node.attributes { add(attribute) }
    }
    for initializer in model.graph.initializers {
      add(model.name(of: initializer.value))
      add("\(initializer.tensor.dataType) \(initializer.tensor.shape)")
      initializer.tensor.contiguousBytes()?.withUnsafeBytes { add($0) }
    }
  }

  var text: String { String(hash, radix: 16) }

  /// Texts end where they end: `ab`, `c` is not `a`, `bc`.
  mutating func add(_ text: String) {
    for byte in text.utf8 { add(UInt64(byte)) }
    add(0xff)
  }

  private mutating func add(_ attribute: Attribute) {
    add(attribute.name)
    switch attribute.value {
    case .tensor(let tensor):
      add("\(tensor.dataType) \(tensor.shape)")
      tensor.contiguousBytes()?.withUnsafeBytes { add($0) }
    case .graph, .graphs: break
    default: add("\(attribute.value)")
    }
  }

  /// Eight bytes at a time: weights are large.
  private mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
      add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    for offset in whole..<bytes.count { add(UInt64(bytes[offset])) }
  }

  private mutating func add(_ word: UInt64) {
    hash = (hash ^ word) &* 0x100_0000_01b3
    // Multiplication carries upwards only.
    hash ^= hash >> 32
  }
}
