import Dimensions
import IR
import Operators

/// Attention, spelled as products, a scale, perhaps a mask, and `Softmax`, over heads that `Reshape` and `Transpose`
/// bring to an axis of their own and back: the heads are read and written where the linear layers leave them.
struct FuseAttention: FusionRule {
  /// Whether what is added to scores may want a gradient, which the fused operator has none for: then nothing is.
  let trains: Bool

  /// A value and the nodes that are not needed once it is read.
  private struct Match {
    var value: ValueID
    var nodes: [Int]
  }

  /// Queries, keys or values before they were taken apart, `[batch, positions, heads · width]`.
  private struct Operand {
    var value: ValueID
    var batch: Size
    var positions: Size
    var heads: Int
    var nodes: [Int]
  }

  private struct Scores {
    var query: Operand
    var key: Operand
    var scale: Double
    var mask: ValueID?
    var nodes: [Int]
  }

  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let last = graph.node(index), graph.isOperator(last, "Reshape"), let output = last.output(0),
      let turn = graph.onlyProducer(of: last.input(0), "Transpose"), turn.node.ints("perm") == [0, 2, 1, 3],
      let product = graph.onlyProducer(of: turn.node.input(0), "MatMul"),
      let softmax = graph.onlyProducer(of: product.node.input(0), "Softmax"),
      isOverLastAxis(softmax.node, graph), let value = heads(product.node.input(1), [0, 2, 1, 3], graph),
      let match = match(softmax.node.input(0), graph), isMerged(output, of: turn.node.output(0), graph),
      belongTogether(match.query, match.key, value)
    else { return }
    let count = AttributeValue.int(Int64(match.query.heads))
    graph.replace(
      index,
      with: Node(
        inputs: [match.query.value, match.key.value, value.value] + (match.mask.map { [$0] } ?? []),
        outputs: [output], name: last.name, opType: "Attention",
        attributes: [
          Attribute(name: "q_num_heads", value: count),
          Attribute(name: "kv_num_heads", value: count),
          Attribute(name: "scale", value: .float(Float(match.scale))),
        ]),
      removing: [turn.index, product.index, softmax.index] + value.nodes + match.query.nodes + match.key.nodes
        + match.nodes)
  }

  /// Whether products do not broadcast: the fused operator reads keys and values of every sample and head.
  private func belongTogether(_ query: Operand, _ key: Operand, _ value: Operand) -> Bool {
    key.batch == query.batch && value.batch == query.batch && key.heads == query.heads && value.heads == query.heads
      && value.positions == key.positions
  }

  private func isOverLastAxis(_ softmax: Node, _ graph: FusionGraph) -> Bool {
    let axis = softmax.int("axis", default: (graph.model.opset("") ?? 1) >= 13 ? -1 : 1)
    return axis == -1 || axis == 3
  }

  /// `[batch, positions, heads, width]` → `[batch, positions, heads · width]`.
  private func isMerged(_ output: ValueID, of apart: ValueID?, _ graph: FusionGraph) -> Bool {
    guard let merged = graph.shape(output), let apart = graph.shape(apart) else { return false }
    return isMerged(merged, apart)
  }

  private func isMerged(_ merged: [Size], _ apart: [Size]) -> Bool {
    guard merged.count == 3, apart.count == 4, let heads = apart[2].known, let width = apart[3].known else {
      return false
    }
    return merged[0] == apart[0] && merged[1] == apart[1] && merged[2].known == heads * width
  }

  /// What a linear layer left, of which heads were made: split, then turned by a permutation.
  private func heads(_ value: ValueID?, _ permutation: [Int64], _ graph: FusionGraph) -> Operand? {
    guard let turn = graph.onlyProducer(of: value, "Transpose"), turn.node.ints("perm") == permutation,
      let split = graph.onlyProducer(of: turn.node.input(0), "Reshape"), let source = split.node.input(0),
      let merged = graph.shape(source), let apart = graph.shape(split.node.output(0)), isMerged(merged, apart),
      let heads = apart[2].known
    else { return nil }
    return Operand(
      value: source, batch: merged[0], positions: merged[1], heads: heads, nodes: [turn.index, split.index])
  }

  /// Keys `[batch, heads, width, positions]`, turned at once or in two steps.
  private func keys(_ value: ValueID?, _ graph: FusionGraph) -> Operand? {
    if let match = heads(value, [0, 2, 3, 1], graph) { return match }
    guard let turn = graph.onlyProducer(of: value, "Transpose"), turn.node.ints("perm") == [0, 1, 3, 2],
      var match = heads(turn.node.input(0), [0, 2, 1, 3], graph)
    else { return nil }
    match.nodes.append(turn.index)
    return match
  }

  /// Scores from their end: a mask last, before it factors on the product or on either operand.
  private func match(_ value: ValueID?, _ graph: FusionGraph) -> Scores? {
    if let plain = scaled(value, graph) { return plain }
    guard !trains, let add = graph.onlyProducer(of: value, "Add") else { return nil }
    for (scores, mask) in [(0, 1), (1, 0)] {
      guard let mask = add.node.input(mask), isMask(mask, of: value, graph),
        var match = scaled(add.node.input(scores), graph)
      else { continue }
      match.mask = mask
      match.nodes.append(add.index)
      return match
    }
    return nil
  }

  /// Whether a value broadcasts to the scores without adding axes to them.
  private func isMask(_ mask: ValueID, of scores: ValueID?, _ graph: FusionGraph) -> Bool {
    guard let mask = graph.shape(mask), let full = graph.shape(scores), mask.count <= 4, full.count == 4 else {
      return false
    }
    return zip(mask.reversed(), full.reversed()).allSatisfy { $0 == $1 || $0.isOne } && mask.last == full.last
  }

  /// - Parameter depth: how many more factors are looked through. Exporters write one or two.
  private func scaled(_ value: ValueID?, _ graph: FusionGraph, depth: Int = 4) -> Scores? {
    if let product = graph.onlyProducer(of: value, "MatMul") {
      guard let (left, a) = factored(product.node.input(0), graph),
        let (right, b) = factored(product.node.input(1), graph),
        let query = heads(left.value, [0, 2, 1, 3], graph), let key = keys(right.value, graph)
      else { return nil }
      return Scores(query: query, key: key, scale: a * b, nodes: [product.index] + left.nodes + right.nodes)
    }
    guard depth > 0, let (inner, factor) = factored(value, graph), !inner.nodes.isEmpty,
      var match = scaled(inner.value, graph, depth: depth - 1)
    else { return nil }
    match.scale *= factor
    match.nodes += inner.nodes
    return match
  }

  /// A value without the known number it is multiplied with or divided by; itself and 1 where there is none.
  private func factored(_ value: ValueID?, _ graph: FusionGraph) -> (inner: Match, factor: Double)? {
    guard let value else { return nil }
    guard let node = graph.onlyProducer(of: value, "Mul", "Div") else { return (Match(value: value, nodes: []), 1) }
    let isQuotient = node.node.opType == "Div"
    for (operand, number) in isQuotient ? [(0, 1)] : [(0, 1), (1, 0)] {
      guard let operand = node.node.input(operand), let number = graph.knownNumber(node.node.input(number)),
        graph.haveSameShape(operand, value)
      else { continue }
      return (Match(value: operand, nodes: [node.index]), isQuotient ? 1 / number : number)
    }
    return (Match(value: value, nodes: []), 1)
  }
}
