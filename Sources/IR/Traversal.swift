/// What makes a graph impossible to order.
public struct GraphError: Error, Sendable, CustomStringConvertible {
  /// A node on the cycle.
  public let node: String

  public var description: String { "node \(node) depends on its own output: the graph has a cycle" }
}

extension Graph {
  /// Indices of ``nodes`` such that every node comes after those it reads from; file order where that already holds.
  ///
  /// What a node's bodies read of this graph counts as its input. Linear in nodes and edges.
  public func topologicalOrder() throws(GraphError) -> [Int] {
    var producer: [ValueID: Int] = [:]
    producer.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { producer[output] = index }
    }
    var isSorted = true
    var dependencies: [[Int]] = []
    dependencies.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      var inputs: [Int] = []
      for case let input? in node.inputs {
        if let source = producer[input] { inputs.append(source) }
      }
      for body in node.subgraphs {
        for value in body.referencedValues() {
          if let source = producer[value] { inputs.append(source) }
        }
      }
      if inputs.contains(where: { $0 >= index }) { isSorted = false }
      dependencies.append(inputs)
    }
    return isSorted ? Array(nodes.indices) : try sorted(by: dependencies)
  }

  /// Depth-first from each node in file order, with a stack of its own: graphs are as deep as they are long.
  private func sorted(by dependencies: [[Int]]) throws(GraphError) -> [Int] {
    enum Mark { case new, open, done }
    var marks = [Mark](repeating: .new, count: nodes.count)
    var order: [Int] = []
    order.reserveCapacity(nodes.count)
    for root in nodes.indices where marks[root] == .new {
      var stack: [(node: Int, next: Int)] = [(root, 0)]
      marks[root] = .open
      while let top = stack.last {
        guard top.next < dependencies[top.node].count else {
          marks[top.node] = .done
          order.append(top.node)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let dependency = dependencies[top.node][top.next]
        switch marks[dependency] {
        case .new:
          marks[dependency] = .open
          stack.append((dependency, 0))
        case .open:
          let node = nodes[dependency]
          throw GraphError(node: node.name ?? node.opType)
        case .done: break
        }
      }
    }
    return order
  }

  /// Every value the graph's nodes, nested bodies included, read or return.
  public func referencedValues() -> Set<ValueID> {
    var values = Set(outputs.map(\.value))
    for node in nodes {
      for case let input? in node.inputs { values.insert(input) }
      for body in node.subgraphs { values.formUnion(body.referencedValues()) }
    }
    return values
  }
}
