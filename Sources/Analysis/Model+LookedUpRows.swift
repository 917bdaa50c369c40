import IR

extension Model {
  /// The rows of the tables that inputs choose from, by the name of the input: as many words as an embedding knows.
  public var lookedUpRows: [String: Int] {
    let tables = Dictionary(graph.initializers.map { ($0.value, $0.tensor.shape) }) { first, _ in first }
    // From a value to the input it is, through what only changes type and shape.
    var sources = Dictionary(graph.inputs.map { ($0.value, $0.value) }) { first, _ in first }
    var rows: [String: Int] = [:]
    func limit(_ index: ValueID?, _ table: ValueID?, _ axis: Int) {
      guard let index, let source = sources[index], let shape = table.flatMap({ tables[$0] }) else { return }
      let place = axis < 0 ? axis + shape.count : axis
      guard shape.indices.contains(place) else { return }
      rows[name(of: source)] = min(rows[name(of: source)] ?? .max, shape[place])
    }
    let order = (try? graph.topologicalOrder()) ?? Array(graph.nodes.indices)
    for node in order.map({ graph.nodes[$0] }) {
      switch node.opType {
      case "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose":
        if let input = node.input(0), let source = sources[input], let output = node.output(0) {
          sources[output] = source
        }
      case "Gather": limit(node.input(1), node.input(0), Int(clamping: node.int("axis", default: 0)))
      case "EmbedLayerNormalization":
        limit(node.input(0), node.input(2), 0)
        limit(node.input(1), node.input(4), 0)
      default: continue
      }
    }
    return rows
  }
}
