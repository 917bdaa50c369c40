import Glibc

/// Compares two models node by node and byte by byte, by names. Metadata may differ.
public struct ModelComparison {
  private let a: Model
  private let b: Model
  private var lines: [String] = []

  /// One line a difference.
  public static func differences(_ a: Model, _ b: Model) -> [String] {
    var comparison = ModelComparison(a: a, b: b)
    comparison.lines = InterfaceComparison.differences(a, b)
    comparison.compare(a.graph, b.graph, in: "")
    return comparison.lines
  }

  private init(a: Model, b: Model) {
    self.a = a
    self.b = b
  }

  private mutating func compare(_ first: Graph, _ second: Graph, in place: String) {
    compareInitializers(first, second, in: place)
    guard first.nodes.count == second.nodes.count else {
      lines.append("\(place)nodes: \(first.nodes.count) against \(second.nodes.count)")
      return
    }
    for (x, y) in zip(first.nodes, second.nodes) {
      let label = "\(place)node \(x.name.flatMap { $0.isEmpty ? nil : $0 } ?? x.opType)"
      guard (x.opType, x.canonicalDomain) == (y.opType, y.canonicalDomain) else {
        lines.append("\(label): \(x.opType) against \(y.opType)")
        continue
      }
      let edges = [(x.inputs, y.inputs, "inputs"), (x.outputs, y.outputs, "outputs")]
      for (own, other, what) in edges {
        let (names, others) = (own.map { $0.map(a.name(of:)) ?? "" }, other.map { $0.map(b.name(of:)) ?? "" })
        if names != others {
          lines.append("\(label): \(what) \(names.joined(separator: ", ")) against \(others.joined(separator: ", "))")
        }
      }
      compareAttributes(x, y, label: label)
    }
  }

  private mutating func compareAttributes(_ x: Node, _ y: Node, label: String) {
    let others = Dictionary(y.attributes.map { ($0.name, $0.value) }) { first, _ in first }
    for attribute in x.attributes where others[attribute.name] == nil {
      lines.append("\(label): attribute \(attribute.name) is missing")
    }
    for name in y.attributes.map(\.name) where x.attribute(name) == nil {
      lines.append("\(label): attribute \(name) is new")
    }
    for attribute in x.attributes {
      guard let other = others[attribute.name] else { continue }
      let name = "\(label): attribute \(attribute.name)"
      switch (attribute.value, other) {
      case (.tensor(let own), .tensor(let theirs)): compare(own, theirs, name)
      case (.graph(let own), .graph(let theirs)): compare(own, theirs, in: "\(label): ")
      case (.graphs(let own), .graphs(let theirs)) where own.count == theirs.count:
        for (first, second) in zip(own, theirs) { compare(first, second, in: "\(label): ") }
      case (let own, let theirs): if !Self.areEqual(own, theirs) { lines.append("\(name) differs") }
      }
    }
  }

  private static func areEqual(_ a: AttributeValue, _ b: AttributeValue) -> Bool {
    switch (a, b) {
    case (.float(let x), .float(let y)): x.bitPattern == y.bitPattern
    case (.int(let x), .int(let y)): x == y
    case (.string(let x), .string(let y)): x == y
    case (.floats(let x), .floats(let y)): x.map(\.bitPattern) == y.map(\.bitPattern)
    case (.ints(let x), .ints(let y)): x == y
    case (.strings(let x), .strings(let y)): x == y
    case (.tensors(let x), .tensors(let y)): x.count == y.count && zip(x, y).allSatisfy { difference($0, $1) == nil }
    case (.opaque(let x), .opaque(let y)): x == y
    default: false
    }
  }

  private mutating func compareInitializers(_ first: Graph, _ second: Graph, in place: String) {
    let others = Dictionary(second.initializers.map { (b.name(of: $0.value), $0.tensor) }) { first, _ in first }
    var names: Set<String> = []
    for initializer in first.initializers {
      let name = a.name(of: initializer.value)
      names.insert(name)
      guard let other = others[name] else {
        lines.append("\(place)tensor \(name): missing")
        continue
      }
      compare(initializer.tensor, other, "\(place)tensor \(name)")
    }
    for name in others.keys.sorted() where !names.contains(name) { lines.append("\(place)tensor \(name): unexpected") }
  }

  private mutating func compare(_ x: Tensor, _ y: Tensor, _ label: String) {
    if let difference = Self.difference(x, y) { lines.append("\(label): \(difference)") }
  }

  private static func difference(_ x: Tensor, _ y: Tensor) -> String? {
    guard x.dataType == y.dataType else { return "\(x.dataType) against \(y.dataType)" }
    guard x.shape == y.shape else { return "shape \(x.shape) against \(y.shape)" }
    if case .strings(let own) = x.storage, case .strings(let theirs) = y.storage {
      return own == theirs ? nil : "its elements differ"
    }
    guard let own = x.contiguousBytes(), let theirs = y.contiguousBytes() else { return "its elements differ" }
    let isEqual = own.withUnsafeBytes { first in
      theirs.withUnsafeBytes { second in
        guard first.count == second.count, let x = first.baseAddress, let y = second.baseAddress else {
          return first.count == second.count
        }
        return memcmp(x, y, first.count) == 0
      }
    }
    return isEqual ? nil : "its elements differ"
  }
}
