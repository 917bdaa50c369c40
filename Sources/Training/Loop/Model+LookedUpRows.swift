import IR

extension Model {
  /// The rows of the tables that inputs choose from, by the name of the input: as many words as an embedding knows.
  public var lookedUpRows: [String: Int] {
    var sizes: [ValueID: Int] = [:]
    for initializer in graph.initializers { sizes[initializer.value] = initializer.tensor.shape.first }
    let inputs = Set(graph.inputs.map(\.value))
    var origin: [ValueID: ValueID] = [:]
    var rows: [String: Int] = [:]
    for node in graph.nodes {
      if node.opType == "Cast", let input = node.input(0), let output = node.output(0) {
        origin[output] = origin[input] ?? input
      }
      guard node.opType == "Gather", node.int("axis", default: 0) == 0, let table = node.input(0),
        let indices = node.input(1), let count = sizes[table]
      else { continue }
      let source = origin[indices] ?? indices
      guard inputs.contains(source) else { continue }
      rows[name(of: source)] = min(rows[name(of: source)] ?? .max, count)
    }
    return rows
  }
}
