import IR

extension Graph {
  /// Removes constants and nodes nothing uses any more, starting from values that lost a use. What was unused before
  /// stays as it is.
  ///
  /// - Parameter released: Values that lost a use, here or in a graph below; those of the graphs around this one remain.
  package mutating func removeUnused(among released: inout Set<ValueID>) {
    guard !released.isEmpty else { return }
    var uses: [ValueID: Int] = [:]
    for output in outputs { uses[output.value, default: 0] += 1 }
    for node in nodes { for value in node.usedValues() { uses[value, default: 0] += 1 } }
    var producers: [ValueID: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { producers[output] = index }
    }
    let constants = Set(initializers.map(\.value)).subtracting(inputs.map(\.value))
    var goneNodes: Set<Int> = []
    var goneConstants: Set<ValueID> = []
    var queue = released.filter { producers[$0] != nil || constants.contains($0) }
    released.subtract(queue)
    while let value = queue.popFirst() {
      guard uses[value, default: 0] == 0 else { continue }
      if constants.contains(value) {
        goneConstants.insert(value)
        continue
      }
      guard let index = producers[value], !goneNodes.contains(index),
        nodes[index].outputs.allSatisfy({ $0.map { uses[$0, default: 0] == 0 } ?? true })
      else { continue }
      goneNodes.insert(index)
      for input in nodes[index].usedValues() {
        uses[input, default: 0] -= 1
        if producers[input] != nil || constants.contains(input) { queue.insert(input) } else { released.insert(input) }
      }
    }
    if !goneConstants.isEmpty { initializers.removeAll { goneConstants.contains($0.value) } }
    if !goneNodes.isEmpty { nodes = nodes.indices.filter { !goneNodes.contains($0) }.map { nodes[$0] } }
  }
}

extension Node {
  /// Every value the node or its bodies read, once for each of its inputs and once for its bodies.
  fileprivate func usedValues() -> [ValueID] {
    var values = inputs.compactMap { $0 }
    for body in subgraphs { values += body.referencedValues() }
    return values
  }
}
