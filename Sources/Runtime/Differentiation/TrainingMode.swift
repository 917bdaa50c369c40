import IR
import Operators

/// What computes differently while a model is trained: batch normalization takes its statistics from the batch, dropout
/// drops.
struct TrainingMode {
  private(set) var model: Model
  /// Running statistics, and the values that hold them after a step.
  private(set) var updates: [(statistic: ValueID, updated: ValueID)] = []
  /// The input that seeds dropout, one number a step, where there is any.
  private(set) var seed: ValueID?

  /// - Parameters:
  ///   - normalization: whether batch normalization takes its statistics from the batch; otherwise it keeps the running
  ///     ones, as fine-tuning on small batches may want.
  ///   - dropout: whether dropout drops; otherwise it keeps all, whatever mode its node asks for.
  /// - Throws: where a dropout drops in a way that training cannot follow.
  init(_ model: Model, normalization: Bool = true, dropout: Bool = true) throws(RuntimeError) {
    self.model = model
    for index in model.graph.nodes.indices {
      let node = model.graph.nodes[index]
      switch (node.canonicalDomain, node.opType) {
      case ("", "BatchNormalization") where normalization: replaceNormalization(index)
      case ("", "Dropout") where dropout: try replaceDropout(index)
      // Without a ratio and a mode of its own it is that of inference.
      case ("", "Dropout"): self.model.graph.nodes[index].inputs = [node.input(0)]
      default: for body in node.subgraphs { try refuseDropout(in: body) }
      }
    }
  }

  /// The inputs of batch normalizations that follow the data and not the gradient.
  static func statistics(of model: Model) -> Set<ValueID> {
    var statistics: Set<ValueID> = []
    for node in model.graph.nodes where node.opType == "BatchNormalization" && node.canonicalDomain.isEmpty {
      for input in 3..<5 { if let value = node.input(input) { statistics.insert(value) } }
    }
    return statistics
  }

  private mutating func replaceNormalization(_ index: Int) {
    let node = model.graph.nodes[index]
    guard let mean = node.input(3), let variance = node.input(4), let name = node.output(0).map({ model.name(of: $0) })
    else { return }
    let updated = ["mean", "variance"].map { model.addValue(named: "\(name)/running \($0)") }
    let batch = ["mean", "inverse deviation"].map { model.addValue(named: "\(name)/batch \($0)") }
    var attributes: [Attribute] = []
    for key in ["epsilon", "momentum"] {
      if let value = node.attribute(key) { attributes.append(Attribute(name: key, value: value)) }
    }
    model.graph.nodes[index] = Node(
      inputs: node.inputs, outputs: [node.output(0)] + updated + batch, name: node.name,
      opType: "BatchNormalizationTraining", domain: OperatorName.ownDomain, attributes: attributes)
    // A shared statistic follows the last of the nodes that share it.
    updates.append((mean, updated[0]))
    updates.append((variance, updated[1]))
  }

  private mutating func replaceDropout(_ index: Int) throws(RuntimeError) {
    let node = model.graph.nodes[index]
    var ratio = node.float("ratio") ?? 0.5
    if let input = node.input(1) {
      guard let known = ConstantScalars(model.graph).number(input) else {
        throw RuntimeError(
          node: label(node), "its ratio is not known before the model runs; to train, make it a constant")
      }
      ratio = Float(known)
    }
    guard (0..<1).contains(ratio) else {
      throw RuntimeError(node: label(node), "its ratio \(ratio) is not from 0 up to 1")
    }
    guard ratio > 0 else { return }
    if seed == nil { seed = model.addValue(named: "coppice/dropout seed") }
    guard let seed else { return }
    // Every dropout draws from a stream of its own.
    model.graph.nodes[index] = Node(
      inputs: [node.input(0), seed], outputs: node.outputs, name: node.name, opType: "DropoutTraining",
      domain: OperatorName.ownDomain,
      attributes: [
        Attribute(name: "ratio", value: .float(ratio)), Attribute(name: "stream", value: .int(Int64(index))),
      ])
  }

  /// In the bodies of control flow dropout is not replaced: it would draw the same mask in every step.
  private func refuseDropout(in graph: Graph) throws(RuntimeError) {
    let constants = ConstantScalars(graph)
    for node in graph.nodes {
      for body in node.subgraphs { try refuseDropout(in: body) }
      guard node.opType == "Dropout", node.canonicalDomain.isEmpty, let training = node.input(2) else { continue }
      let known = constants.number(training) ?? ConstantScalars(model.graph).number(training)
      let ratio = node.input(1).flatMap { constants.number($0) ?? ConstantScalars(model.graph).number($0) }
      guard known == 0 || ratio == 0 else {
        throw RuntimeError(node: label(node), "it drops in the body of another node, which cannot be trained")
      }
    }
  }

  private func label(_ node: Node) -> String {
    if let name = node.name, !name.isEmpty { return "\(name) (\(node.opType))" }
    return "\(node.opType) → \(node.output(0).map { model.name(of: $0) } ?? "without outputs")"
  }
}
