import IR

/// Bytes a model's file takes for nodes, names and constants that are no parameters.
///
/// Near enough to tell by how much pruning makes a graph longer: docstrings, declared types and the like, which it
/// leaves alone, are not counted.
struct GraphBytes {
  private let names: [Int]

  static func count(_ model: Model) -> Int {
    GraphBytes(names: model.valueNames.map(\.utf8.count)).count(model.graph)
  }

  private func count(_ graph: Graph) -> Int {
    var total = 0
    for initializer in graph.initializers {
      total += Self.field(Self.field(names[initializer.value.index]) + count(initializer.tensor))
    }
    for node in graph.nodes {
      var bytes = Self.field(node.name?.utf8.count ?? 0) + Self.field(node.opType.utf8.count)
      for value in node.inputs + node.outputs { bytes += Self.field(value.map { names[$0.index] } ?? 0) }
      for attribute in node.attributes { bytes += Self.field(attribute.name.utf8.count + 5 + count(attribute.value)) }
      total += Self.field(bytes)
    }
    return total
  }

  private func count(_ tensor: Tensor) -> Int {
    2 + 2 * tensor.shape.count + (tensor.dataType.isFloatingPoint ? 0 : Self.field(tensor.byteCount))
  }

  private func count(_ value: AttributeValue) -> Int {
    switch value {
    case .float, .int: 5
    case .string(let bytes), .opaque(let bytes): Self.field(bytes.count)
    case .tensor(let tensor): Self.field(count(tensor))
    case .graph(let graph): Self.field(count(graph))
    case .floats(let numbers): 5 * numbers.count
    case .ints(let numbers): numbers.reduce(0) { $0 + 1 + Self.varint($1) }
    case .strings(let strings): strings.reduce(0) { $0 + Self.field($1.count) }
    case .tensors(let tensors): tensors.reduce(0) { $0 + Self.field(count($1)) }
    case .graphs(let graphs): graphs.reduce(0) { $0 + Self.field(count($1)) }
    }
  }

  /// A field of so many bytes with its tag and length.
  private static func field(_ bytes: Int) -> Int { bytes + 1 + varint(Int64(bytes)) }

  private static func varint(_ value: Int64) -> Int {
    max(1, (64 - UInt64(bitPattern: value).leadingZeroBitCount + 6) / 7)
  }
}
