import IR

/// Who makes and reads the values of a graph, and which of them are constants.
struct OperandUses {
  private let graph: Graph
  /// The node that makes a value.
  private(set) var producers: [ValueID: Int] = [:]
  private(set) var readers: [ValueID: [Int]] = [:]
  /// Initializers and outputs of `Constant` nodes.
  private(set) var constants: [ValueID: Tensor] = [:]
  private let outputs: Set<ValueID>

  init(_ model: Model) {
    graph = model.graph
    outputs = Set(graph.outputs.map(\.value))
    for (index, node) in graph.nodes.enumerated() {
      for case let output? in node.outputs { producers[output] = index }
      for value in node.reads { readers[value, default: []].append(index) }
      if let output = node.output(0), let tensor = node.constantTensor { constants[output] = tensor }
    }
    let given = model.replaceableConstants
    for initializer in graph.initializers where !given.contains(initializer.value) {
      constants[initializer.value] = initializer.tensor
    }
  }

  func node(_ index: Int) -> Node { graph.nodes[index] }

  /// The constant a value is, or a copy of: exporters write one tensor for those that are equal, and copies of it.
  func constant(_ value: ValueID) -> Tensor? {
    var value = value
    while constants[value] == nil, let producer = producers[value], let source = graph.nodes[producer].copied {
      value = source
    }
    return constants[value]
  }

  /// The node that alone reads what a node makes.
  func onlyReader(of node: Int) -> Int? {
    guard let output = graph.nodes[node].output(0), !outputs.contains(output), let readers = readers[output],
      readers.count == 1
    else { return nil }
    return readers[0]
  }

  /// The input that reads the weight of a linear layer: its own, or that of a transposition before it.
  func weightReader(of node: Int) -> (node: Int, input: Int)? {
    guard let operand = graph.nodes[node].input(1) else { return nil }
    if constants[operand] != nil { return (node, 1) }
    return producers[operand].map { ($0, 0) }
  }

  /// Where a number can be added to each output of a linear layer, and the normalization behind it.
  /// - Parameter count: of outputs.
  /// - Returns: `nil` where the layer adds something itself that is no vector of constants.
  func shiftPlace(_ index: Int, outputs count: Int) -> (place: RepairSite.ShiftPlace, normalization: Int?)? {
    let node = graph.nodes[index]
    let reader = onlyReader(of: index)
    let normalization = reader.flatMap { isNormalization($0) ? $0 : nil }
    if node.opType == "MatMul" {
      guard let reader, let input = addend(of: reader, to: node, count: count) else { return (.none, nil) }
      return (.constant(node: reader, input: input), nil)
    }
    let isPlain = node.opType != "Gemm" || node.float("beta") ?? 1 == 1
    if let bias = node.input(2) {
      let isVector = constant(bias).map { $0.elementCount == count && $0.shape.last == count } ?? false
      return isVector && isPlain ? (.constant(node: index, input: 2), normalization) : nil
    }
    guard isPlain else { return (.none, normalization) }
    if let normalization { return (.normalizationMean(node: normalization), normalization) }
    // The bias of Gemm may be left out since operator set 11.
    return (.constant(node: index, input: 2), nil)
  }

  /// Whether a node is a batch normalization by statistics the model holds.
  func isNormalization(_ index: Int) -> Bool {
    let node = graph.nodes[index]
    return node.opType == "BatchNormalization" && node.canonicalDomain.isEmpty && node.int("training_mode") ?? 0 == 0
      && [1, 2, 3, 4].allSatisfy { node.input($0).flatMap { constant($0) } != nil }
  }

  /// The input of an `Add` that holds a vector for the outputs of a product.
  private func addend(of reader: Int, to product: Node, count: Int) -> Int? {
    let node = graph.nodes[reader]
    guard node.opType == "Add", node.canonicalDomain.isEmpty, node.inputs.count == 2 else { return nil }
    let input = node.input(0) == product.output(0) ? 1 : 0
    guard let tensor = node.input(input).flatMap({ constant($0) }), tensor.elementCount == count,
      tensor.shape.last == count
    else { return nil }
    return input
  }
}

extension Model {
  /// Gives one input of a node another constant; other nodes that read the old one keep it.
  mutating func setConstant(_ tensor: Tensor, node: Int, input: Int, named base: String) {
    while graph.nodes[node].inputs.count <= input { graph.nodes[node].inputs.append(nil) }
    if let value = graph.nodes[node].inputs[input] {
      let uses = graph.nodes.reduce(0) { $0 + $1.reads.count { $0 == value } }
      let isOutput = graph.outputs.contains { $0.value == value } || replaceableConstants.contains(value)
      if uses == 1, !isOutput, let index = graph.initializers.firstIndex(where: { $0.value == value }) {
        var tensor = tensor
        tensor.name = graph.initializers[index].tensor.name
        tensor.docString = graph.initializers[index].tensor.docString
        graph.initializers[index].tensor = tensor
        return
      }
    }
    let taken = Set(valueNames)
    var name = base
    while taken.contains(name) { name += "'" }
    let value = addValue(named: name)
    var tensor = tensor
    tensor.name = name
    graph.initializers.append(Initializer(value: value, tensor: tensor))
    graph.nodes[node].inputs[input] = value
  }

  /// Initializers that are inputs of the graph as well: since IR 4 they stand for what callers may give, and before
  /// every initializer had to be one.
  fileprivate var replaceableConstants: Set<ValueID> {
    irVersion ?? 0 < 4 ? [] : Set(graph.inputs.map(\.value))
  }

  /// The constant at an input of a node of the main graph, or that it is a copy of.
  func constant(node: Int, input: Int) -> Tensor? {
    var next = graph.nodes[node].input(input)
    while let value = next {
      if let initializer = graph.initializers.first(where: { $0.value == value }) { return initializer.tensor }
      let producer = graph.nodes.first { $0.output(0) == value }
      if let tensor = producer?.constantTensor { return tensor }
      next = producer?.copied
    }
    return nil
  }

  /// Changes constants, and removes what nothing reads any more because of that.
  mutating func changeConstants(_ change: (inout Model) -> Void) {
    var released = Set(graph.nodes.flatMap { $0.inputs.compactMap { $0 } })
    change(&self)
    graph.removeUnused(among: &released)
  }
}

extension Node {
  /// What an `Identity` copies.
  fileprivate var copied: ValueID? { opType == "Identity" && canonicalDomain.isEmpty ? input(0) : nil }
}
