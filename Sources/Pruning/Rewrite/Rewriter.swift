import Analysis
import Dimensions
import IR
import Operators

/// What keeps a model from being rewritten; nothing was changed.
public struct RewriteError: Error, Sendable, CustomStringConvertible {
  public let place: String
  public let message: String

  public var description: String { "\(place): \(message)" }
}

extension Model {
  /// The model with only the kept indices of each pruned dimension.
  ///
  /// Weights become views; then the nodes are walked in order, inferring the shapes the smaller graph really has and
  /// changing attributes and integer inputs wherever they differ from what the dimensions say they must be. What does
  /// not come out as expected is an error, never a graph.
  public func keeping(_ keep: KeepSets, analysis: ModelAnalysis) throws(RewriteError) -> Model {
    var rewriter = Rewriter(model: self, analysis: analysis, keep: keep)
    return try rewriter.rewrite()
  }
}

struct Rewriter {
  private var model: Model
  private let original: Model
  private let analysis: ModelAnalysis
  private let keep: KeepSets
  private let registry = OperatorRegistry.standard
  private let functions: Set<OperatorName>
  private var context: ShapeContext
  private var nodeIndex = 0
  private var names: Set<String>
  /// The analysis's facts, and unknown ones for values added since; kept, because a copy for every node is quadratic.
  private var originalFacts: [Facts]
  /// Sliced copies of shared vectors, by vector and kept indices, in the graph they were made for.
  private var copies: [CopyKey: ValueID] = [:]
  /// Values some use of which was replaced: if it was the last one, what computes them goes.
  private var released: Set<ValueID> = []
  private var keptCache: [DimensionID: [Int32]?] = [:]

  private struct CopyKey: Hashable {
    let graph: [NodePath.Step]
    let value: ValueID
    let kept: [[Int32]?]
  }

  init(model: Model, analysis: ModelAnalysis, keep: KeepSets) {
    self.model = model
    original = model
    self.analysis = analysis
    self.keep = keep
    functions = Set(model.functions.map { OperatorName($0.name, domain: $0.domain == "ai.onnx" ? "" : $0.domain) })
    var facts = analysis.facts
    // Everything is inferred anew; what no operator infers keeps its declared shape, which is fixed anyway.
    for index in facts.indices { facts[index].contents = nil }
    context = ShapeContext(facts: facts, symbols: analysis.symbols)
    names = Set(model.valueNames)
    originalFacts = analysis.facts
  }

  mutating func rewrite() throws(RewriteError) -> Model {
    let sliced = try slicedWeights()
    model.graph = try rewrite(model.graph, steps: [], sliced: sliced)
    return model
  }

  // MARK: Weights

  private struct Slices {
    var initializers: [[NodePath.Step]: [Int: Tensor]] = [:]
    var constants: [NodePath: Tensor] = [:]
    /// By the node that uses it and the input's position: the vector and what is kept of it.
    var uses: [AxisContext.VectorUse: (value: ValueID, tensor: Tensor, kept: [[Int32]?])] = [:]
  }

  private mutating func slicedWeights() throws(RewriteError) -> Slices {
    var slices = Slices()
    for weight in analysis.weights {
      let kept = weight.axes.map { keptIndices($0) }
      guard kept.contains(where: { $0 != nil }) else { continue }
      guard let tensor = weight.tensor.keeping(kept) else {
        throw RewriteError(place: "tensor \(weight.name)", message: "its elements cannot be sliced")
      }
      if let use = weight.use {
        slices.uses[use] = (weight.value, tensor, kept)
      } else {
        switch weight.place {
        case .initializer(let graph, let index): slices.initializers[graph, default: [:]][index] = tensor
        case .constantNode(let path): slices.constants[path] = tensor
        }
      }
    }
    return slices
  }

  private mutating func keptIndices(_ dimension: DimensionID) -> [Int32]? {
    let root = analysis.dimensions.root(dimension)
    if let cached = keptCache[root] { return cached }
    let kept = analysis.dimensions.keptIndices(root, keep)
    keptCache[root] = .some(kept)
    return kept
  }

  private func expectedShape(_ value: ValueID) -> [Size]? {
    guard value.index < analysis.axes.count, let axes = analysis.axes[value.index] else {
      return value.index < analysis.facts.count ? analysis.facts[value.index].shape : nil
    }
    var shape: [Size] = []
    for axis in axes {
      guard let size = analysis.dimensions.keptSize(axis.dimension, { keep[$0]?.count }) else { return nil }
      shape.append(size)
    }
    return shape
  }

  // MARK: Graphs

  private mutating func rewrite(
    _ source: Graph, steps: [NodePath.Step], sliced: Slices
  ) throws(RewriteError) -> Graph {
    var graph = source
    for (index, tensor) in sliced.initializers[steps] ?? [:] {
      graph.initializers[index].tensor = tensor
    }
    for initializer in graph.initializers { seed(initializer) }
    if !steps.isEmpty { seedInputs(of: source) }
    let order: [Int]
    do { order = try source.topologicalOrder() } catch {
      throw RewriteError(place: source.name ?? "graph", message: "\(error)")
    }
    var additions: [Int: [Node]] = [:]
    for index in order {
      try rewriteBodies(of: index, in: &graph, steps: steps, sliced: sliced)
      if let tensor = sliced.constants[NodePath(steps: steps, index: index)] {
        graph.nodes[index].setConstantTensor(tensor)
      }
      var new: [Node] = []
      try rewriteNode(&graph, index, steps: steps, sliced: sliced, adding: &new)
      if !new.isEmpty { additions[index] = new }
      nodeIndex += 1
    }
    graph.nodes = order.flatMap { (additions[$0] ?? []) + [graph.nodes[$0]] }
    graph.removeUnused(among: &released)
    updateDeclarations(&graph)
    return graph
  }

  private mutating func rewriteBodies(
    of index: Int, in graph: inout Graph, steps: [NodePath.Step], sliced: Slices
  ) throws(RewriteError) {
    for attribute in graph.nodes[index].attributes.indices {
      switch graph.nodes[index].attributes[attribute].value {
      case .graph(let body):
        let step = NodePath.Step(node: index, attribute: attribute, graph: 0)
        let rewritten = try rewrite(body, steps: steps + [step], sliced: sliced)
        graph.nodes[index].attributes[attribute].value = .graph(rewritten)
      case .graphs(let bodies):
        var rewritten: [Graph] = []
        for (position, body) in bodies.enumerated() {
          let step = NodePath.Step(node: index, attribute: attribute, graph: position)
          rewritten.append(try rewrite(body, steps: steps + [step], sliced: sliced))
        }
        graph.nodes[index].attributes[attribute].value = .graphs(rewritten)
      default: continue
      }
    }
  }

  private mutating func seed(_ initializer: Initializer) {
    let facts = Facts(of: initializer.tensor)
    if initializer.value.index < context.facts.count {
      context.facts[initializer.value.index] = facts
    } else {
      context.facts.append(facts)
    }
  }

  /// What a body takes has the shape the analysis found to hold in every iteration.
  private mutating func seedInputs(of body: Graph) {
    for input in body.inputs {
      let index = input.value.index
      guard let shape = expectedShape(input.value) else { continue }
      context.facts[index].shape = shape
      context.facts[index].contents = analysis.facts[index].contents
    }
  }

  // MARK: Nodes

  private mutating func rewriteNode(
    _ graph: inout Graph, _ index: Int, steps: [NodePath.Step], sliced: Slices, adding new: inout [Node]
  ) throws(RewriteError) {
    let label = analysis.nodes[nodeIndex].label
    var node = graph.nodes[index]
    useSlicedVectors(&node, in: &graph, steps: steps, sliced: sliced)
    let name = OperatorName(node.opType, domain: node.canonicalDomain)
    let hasRule = !functions.contains(name) && !analysis.nodes[nodeIndex].isContradictory
    let found = hasRule ? registry(name) : nil
    context.opset = original.opset(node.canonicalDomain) ?? 1
    if let found {
      try freezeSizes(&node, found, label: label, in: &graph)
      try adapt(&node, found, label: label, in: &graph, adding: &new)
    }
    graph.nodes[index] = node
    context.node = node
    do { try found?.inferShapes(&context) } catch {
      throw RewriteError(place: "node \(label)", message: error.message)
    }
    for (position, output) in node.outputs.enumerated() {
      guard let output, output.index < analysis.facts.count else { continue }
      guard let expected = expectedShape(output) else { continue }
      let inferred = context.facts[output.index].shape
      if let inferred, found != nil, !agree(inferred, expected) {
        throw RewriteError(
          place: "node \(label)",
          message: "output \(position) would have the shape \(describe(inferred)), expected \(describe(expected))")
      }
      context.facts[output.index].shape = expected
    }
  }

  private func agree(_ a: [Size], _ b: [Size]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0 == $1 || $0.known == nil || $1.known == nil }
  }

  private func describe(_ shape: [Size]) -> String {
    "[" + shape.map { $0.known.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
  }

  /// Gives this node its own slices of vectors it shares with others.
  private mutating func useSlicedVectors(
    _ node: inout Node, in graph: inout Graph, steps: [NodePath.Step], sliced: Slices
  ) {
    let source = node
    for (position, value) in source.inputs.enumerated() {
      guard let value, let slice = sliced.uses[.init(of: value, by: source, at: nodeIndex, input: position)] else {
        continue
      }
      release(node.inputs[position])
      let key = CopyKey(graph: steps, value: slice.value, kept: slice.kept)
      if let copy = copies[key] {
        node.inputs[position] = copy
        continue
      }
      let copy = addInitializer(slice.tensor, named: model.name(of: slice.value) + "_kept", to: &graph)
      copies[key] = copy
      node.inputs[position] = copy
    }
  }

  private mutating func release(_ value: ValueID?) {
    if let value { released.insert(value) }
  }

  private mutating func addInitializer(_ tensor: Tensor, named base: String, to graph: inout Graph) -> ValueID {
    let value = freshValue(named: base)
    var tensor = tensor
    tensor.name = model.name(of: value)
    graph.initializers.append(Initializer(value: value, tensor: tensor))
    context.facts[value.index] = Facts(of: tensor)
    return value
  }

  private mutating func freshValue(named base: String) -> ValueID {
    var name = base
    var suffix = 2
    while !names.insert(name).inserted {
      name = "\(base)_\(suffix)"
      suffix += 1
    }
    let value = model.addValue(named: name)
    while context.facts.count <= value.index { context.facts.append(.unknown) }
    return value
  }

  /// Sizes that reach the arithmetic keep the value they had.
  private mutating func freezeSizes(
    _ node: inout Node, _ found: any Operator, label: String, in graph: inout Graph
  ) throws(RewriteError) {
    let outputType = node.output(0).flatMap { analysis.facts[$0.index].type }
    if found.isShapeArithmetic, outputType?.isFloatingPoint == false { return }
    let sizeInputs = found.sizeInputs(node)
    for position in node.inputs.indices where !sizeInputs.contains(position) {
      guard let input = node.inputs[position], input.index < analysis.facts.count,
        analysis.sizes.contains(input), analysis.facts[input.index].knownElements != nil,
        let before = analysis.facts[input.index].contents, before != context.facts[input.index].contents
      else { continue }
      guard let tensor = Tensor(elements: before, facts: analysis.facts[input.index]) else {
        throw RewriteError(place: "node \(label)", message: "a size it computes with cannot be written down")
      }
      node.inputs[position] = addInitializer(tensor, named: model.name(of: input) + "_frozen", to: &graph)
      release(input)
    }
  }

  private mutating func adapt(
    _ node: inout Node, _ found: any Operator, label: String, in graph: inout Graph, adding new: inout [Node]
  ) throws(RewriteError) {
    let analysis = self.analysis
    let keep = self.keep
    let index = nodeIndex
    let source = node
    if originalFacts.count < context.facts.count {
      originalFacts += [Facts](repeating: .unknown, count: context.facts.count - originalFacts.count)
    }
    var rewrite = RewriteContext(
      node: node, nodeIndex: index, opset: context.opset, pruned: context.facts, original: originalFacts,
      expectedShape: { [self] in expectedShape($0) },
      keptIndices: { input, axis in
        guard let value = source.input(input) else { return nil }
        let use = AxisContext.VectorUse(of: value, by: source, at: index, input: input)
        let axes = analysis.useAxes(use) ?? (value.index < analysis.axes.count ? analysis.axes[value.index] : nil)
        guard let axes, axis < axes.count else { return nil }
        return analysis.dimensions.keptIndices(axes[axis].dimension, keep)
      },
      remembered: { key in
        analysis.remembered(node: index, key: key).flatMap { dimension in
          analysis.dimensions.keptSize(dimension) { keep[$0]?.count }
        }
      })
    do { try found.adapt(&rewrite) } catch {
      throw RewriteError(place: "node \(label)", message: error.message)
    }
    node = rewrite.node
    for (input, tensor) in rewrite.newInputs {
      let base = (node.input(input) ?? node.output(0)).map { model.name(of: $0) } ?? "size"
      let value = addInitializer(tensor, named: base + "_pruned", to: &graph)
      while node.inputs.count <= input { node.inputs.append(nil) }
      release(node.inputs[input])
      node.inputs[input] = value
    }
    for (input, elements) in rewrite.newMixedInputs {
      guard let vector = node.input(input) else { continue }
      node.inputs[input] = mixed(vector, elements, in: &graph, adding: &new)
    }
  }

  /// A vector of constants and of elements the graph computes, put together by `Gather` and `Concat`.
  private mutating func mixed(
    _ vector: ValueID, _ elements: [RewriteContext.MixedElement], in graph: inout Graph, adding new: inout [Node]
  ) -> ValueID {
    let base = model.name(of: vector)
    let type = context.facts[vector.index].type == .int32 ? DataType.int32 : .int64
    var parts: [ValueID?] = []
    var sizes: [Element] = []
    for element in elements {
      switch element {
      case .constant(let number):
        parts.append(addInitializer(Tensor(ints: [number], type), named: base + "_size", to: &graph))
        sizes.append(.int(number))
      case .computed(let position):
        let index = addInitializer(Tensor(int64s: [Int64(position)]), named: base + "_index", to: &graph)
        let output = freshValue(named: base + "_element")
        new.append(
          Node(
            inputs: [vector, index], outputs: [output], name: model.name(of: output), opType: "Gather",
            attributes: [Attribute(name: "axis", value: .int(0))]))
        parts.append(output)
        sizes.append(
          context.facts[vector.index].contents.map { position < $0.count ? $0[position] : .unknown } ?? .unknown)
      }
    }
    let output = freshValue(named: base + "_pruned")
    new.append(
      Node(
        inputs: parts, outputs: [output], name: model.name(of: output), opType: "Concat",
        attributes: [Attribute(name: "axis", value: .int(0))]))
    context.facts[output.index] = Facts(type: type, shape: [.known(elements.count)], contents: sizes)
    return output
  }

  // MARK: After the nodes

  /// Declared shapes follow the pruned ones; declarations of values that are gone go too.
  private func updateDeclarations(_ graph: inout Graph) {
    var defined = Set(graph.inputs.map(\.value) + graph.initializers.map(\.value))
    for node in graph.nodes { for case let output? in node.outputs { defined.insert(output) } }
    graph.valueInfo.removeAll { !defined.contains($0.value) }
    for index in graph.valueInfo.indices { update(&graph.valueInfo[index]) }
    for index in graph.inputs.indices { update(&graph.inputs[index]) }
    for index in graph.outputs.indices { update(&graph.outputs[index]) }
  }

  private func update(_ info: inout ValueInfo) {
    let index = info.value.index
    guard let shape = context.facts[index].shape, var declared = info.type?.tensor?.shape,
      declared.count == shape.count
    else { return }
    for (axis, size) in shape.enumerated() {
      // Only what shrank is rewritten, so that names of sizes stay.
      guard case .known(let old) = declared[axis].extent, let new = size.known, Int64(new) != old else { continue }
      declared[axis].extent = .known(Int64(new))
    }
    info.type?.tensor?.shape = declared
  }
}
