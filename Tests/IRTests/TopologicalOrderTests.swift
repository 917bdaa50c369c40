import IR
import Testing

/// A graph of nodes given by what they read and make, values by number.
private func graph(_ nodes: [(inputs: [Int], outputs: [Int])]) -> Graph {
  Graph(
    nodes: nodes.enumerated().map { index, node in
      Node(
        inputs: node.inputs.map { ValueID($0) }, outputs: node.outputs.map { ValueID($0) }, name: "n\(index)",
        opType: "Op")
    })
}

@Suite struct TopologicalOrderTests {
  @Test("a sorted graph keeps its order")
  func sortedStays() throws {
    #expect(try graph([([0], [1]), ([0], [2]), ([1, 2], [3])]).topologicalOrder() == [0, 1, 2])
  }

  @Test("a reversed graph is put in order")
  func reversed() throws {
    #expect(try graph([([2], [3]), ([1], [2]), ([0], [1])]).topologicalOrder() == [2, 1, 0])
  }

  @Test("a cycle is refused and names a node on it")
  func cycle() {
    #expect(throws: GraphError.self) { try graph([([2], [1]), ([1], [2])]).topologicalOrder() }
    #expect(throws: GraphError.self) { try graph([([1], [1])]).topologicalOrder() }
  }

  @Test("what a body reads of the graph around it comes first")
  func bodies() throws {
    let body = graph([([1], [5])])
    var graph = graph([([], [2]), ([0], [1])])
    graph.nodes[0].attributes.append(Attribute(name: "body", value: .graph(body)))
    #expect(try graph.topologicalOrder() == [1, 0])
    #expect(body.referencedValues() == [ValueID(1)])
  }

  @Test("a chain of many nodes in reverse does not exhaust the stack")
  func longChain() throws {
    let count = 200_000
    let nodes = (0..<count).reversed().map { (inputs: [$0], outputs: [$0 + 1]) }
    #expect(try graph(nodes).topologicalOrder() == Array((0..<count).reversed()))
  }
}
