import Dimensions
import IR
import Operators

/// Runs every operator's axis rule once, in order, and sees to what no single operator can: weights' own axes, the
/// graph's interface, sizes that enter the arithmetic, operators without a rule.
struct AxisPass {
  private(set) var context: AxisContext
  private(set) var weights: [WeightSource] = []
  /// For outputs of `Identity` nodes over shared vectors: the input.
  private(set) var identitySource: [ValueID: ValueID] = [:]
  /// For integer values: dimensions whose size they were computed from.
  private var dependences: [[DimensionID]]
  /// For stand-ins that are elements computed from sizes: the dimensions whose sizes those were.
  private var computedFrom: [DimensionID: [DimensionID]] = [:]
  /// For values of unknown shape: the node that shape was lost at.
  private var unknownSince: [ValueID: Int] = [:]
  private let model: Model
  private let registry: OperatorRegistry
  private let functions: Set<OperatorName>
  private let contradictory: Set<Int>

  /// A constant tensor before the dimensions of its uses are known.
  struct WeightSource {
    let name: String
    let value: ValueID
    let tensor: Tensor
    let place: Weight.Place
  }

  init(_ model: Model, walk: GraphWalk, shapes: ShapeInference, registry: OperatorRegistry) {
    context = AxisContext(facts: shapes.facts)
    contradictory = shapes.contradictory
    dependences = Array(repeating: [], count: shapes.facts.count)
    self.model = model
    self.registry = registry
    functions = ShapeInference.functions(of: model)
    seed(walk)
    for (index, visit) in walk.visits.enumerated() {
      for body in visit.entered {
        let end = walk.bodies[body].end
        enterBody(walk.visits[end].node, end)
      }
      relate(visit.node, index)
    }
    for graph in walk.graphs { fixInterface(graph.graph, isBody: !graph.steps.isEmpty) }
  }

  // MARK: Seeds

  private mutating func seed(_ walk: GraphWalk) {
    for (steps, graph) in walk.graphs {
      // Before version 4 of the format every initializer had to be an input too.
      let replaceable = model.irVersion ?? 0 < 4 ? [] : Set(graph.inputs.map(\.value))
      for (index, initializer) in graph.initializers.enumerated() {
        let place = Weight.Place.initializer(graph: steps, index: index)
        seedWeight(model.name(of: initializer.value), initializer.value, initializer.tensor, place)
        guard replaceable.contains(initializer.value) else { continue }
        let cause = Cause(node: nil, reason: "it is a graph input with a default, which callers may replace")
        for axis in context.axes[initializer.value.index] ?? [] { context.dimensions.fix(axis.dimension, cause) }
      }
      for initializer in graph.sparseInitializers {
        fixAxes(of: initializer.value, reason: "it is a sparse initializer")
      }
      for input in graph.inputs where context.axes[input.value.index] == nil {
        fixAxes(of: input.value, reason: steps.isEmpty ? "it is a graph input" : "it is an input of a body")
      }
    }
    var uses: [ValueID: Int] = [:]
    for visit in walk.visits {
      for case let input? in visit.node.inputs { uses[input, default: 0] += 1 }
      if let tensor = visit.node.constantTensor, let output = visit.node.output(0) {
        seedWeight(model.name(of: output), output, tensor, .constantNode(visit.path))
      }
    }
    markSharedVectors(walk, uses)
  }

  private mutating func seedWeight(_ name: String, _ value: ValueID, _ tensor: Tensor, _ place: Weight.Place) {
    weights.append(WeightSource(name: name, value: value, tensor: tensor, place: place))
    var reason: String?
    if !Self.isParameter(tensor) { reason = "it holds integers" }
    if tensor.dataType.byteWidth == nil { reason = "its elements are packed smaller than a byte" }
    let cause = reason.map { Cause(node: nil, reason: $0) }
    context.axes[value.index] = tensor.shape.map {
      Axis(
        context.dimensions.make(.known($0), fixed: $0 == 1 ? Cause(node: nil, reason: "its size is one") : cause),
        vanishes: true)
    }
  }

  /// Floating-point tensors and 8-bit integers are parameters. Biases of quantized operators are `int32` of one axis,
  /// which nothing tells from a shape but that shapes are short or `int64`.
  static func isParameter(_ tensor: Tensor) -> Bool {
    tensor.dataType.isFloatingPoint || tensor.dataType.isQuantized
      || (tensor.dataType == .int32 && tensor.shape.count == 1 && tensor.shape[0] > 8)
  }

  /// Constants with one axis, used by several nodes (through chains of `Identity` as well).
  private mutating func markSharedVectors(_ walk: GraphWalk, _ uses: [ValueID: Int]) {
    // A vector that is also an output of a graph is what it is in every use.
    let returned = Set(walk.graphs.flatMap { $0.graph.outputs.map(\.value) })
    for source in weights where source.tensor.shape.count(where: { $0 > 1 }) <= 1 && !returned.contains(source.value) {
      if uses[source.value, default: 0] > 1 { context.sharedVectors.insert(source.value) }
    }
    for visit in walk.visits where visit.node.opType == "Identity" && visit.node.canonicalDomain == "" {
      guard let input = visit.node.input(0), let output = visit.node.output(0) else { continue }
      guard context.sharedVectors.contains(input) else { continue }
      context.sharedVectors.insert(output)
      identitySource[output] = input
    }
  }

  private mutating func fixAxes(of value: ValueID, reason: String) {
    guard let shape = context.facts[value.index].shape else { return }
    context.axes[value.index] = shape.map {
      Axis(context.dimensions.make($0, fixed: Cause(node: nil, reason: reason)), vanishes: true)
    }
  }

  private mutating func fixInterface(_ graph: Graph, isBody: Bool) {
    for output in graph.outputs {
      if !isBody, let axes = context.axes[output.value.index] {
        let cause = Cause(node: nil, reason: "it is the graph output \(model.name(of: output.value))")
        for axis in axes { context.dimensions.fix(axis.dimension, cause) }
      }
      if !isBody {
        fixDependences(of: output.value, reason: "its size is the graph output \(model.name(of: output.value))")
      }
    }
  }

  // MARK: Nodes

  private mutating func prepare(_ node: Node, _ index: Int) {
    context.node = node
    context.nodeIndex = index
    context.opset = ShapeInference.opset(of: node, in: model)
  }

  private mutating func enterBody(_ node: Node, _ index: Int) {
    prepare(node, index)
    guard let iterative = ShapeInference.find(node, in: registry, functions: functions) as? any IterativeOperator
    else { return }
    iterative.enterBody(&context)
    // What an iteration computes from a size is not followed.
    for case let input? in node.inputs { fixDependences(of: input, reason: "its size enters a loop", node: index) }
  }

  private mutating func relate(_ node: Node, _ index: Int) {
    prepare(node, index)
    let isContradictory = contradictory.contains(index)
    let found = isContradictory ? nil : ShapeInference.find(node, in: registry, functions: functions)
    if node.opType == "Constant", node.canonicalDomain == "", let output = node.output(0),
      context.axes[output.index] != nil
    {
      return
    }
    trackSizes(node, found)
    context.blamed = found == nil ? nil : blamed(for: node)
    defer { noteUnknown(node, index) }
    if node.opType == "Identity", let input = node.input(0), let output = node.output(0),
      identitySource[output] == input
    {
      // Each use behind the alias gets axes of its own; the alias itself has none to relate.
      context.axes[output.index] = context.axes[input.index]
      return
    }
    if let found {
      found.relateAxes(&context)
      noteComputed(node)
      followSizes(node, found)
    } else {
      let name = OperatorName(node.opType, domain: node.canonicalDomain).spelled
      let reason =
        isContradictory ? "its inputs contradict each other" : "there is no rule for the operator \(name)"
      context.fixInputs(reason)
      context.fixBodies(reason)
    }
    for body in node.subgraphs {
      for output in body.outputs {
        fixDependences(of: output.value, reason: "its size leaves a body", node: index)
      }
    }
    for (position, output) in node.outputs.enumerated() {
      guard let output, let shape = context.facts[output.index].shape else { continue }
      guard let axes = context.axes[output.index] else {
        context.setFixedOutput(position, "\(node.opType) makes it")
        continue
      }
      reconcile(position, axes, shape)
    }
  }

  /// The first node on the way to this one whose outputs have unknown shapes: what cannot be told here is its doing.
  private func blamed(for node: Node) -> Int? {
    for case let input? in node.inputs where context.facts[input.index].shape == nil {
      if let origin = unknownSince[input] { return origin }
    }
    return nil
  }

  private mutating func noteUnknown(_ node: Node, _ index: Int) {
    for case let output? in node.outputs where context.facts[output.index].shape == nil {
      unknownSince[output] = context.blamed ?? index
    }
  }

  /// Holds an operator's two rules against each other. Sizes known only at run time may be spelled in two ways; such an
  /// axis is fixed. Numbers that differ mean that nothing here is understood well enough to be cut.
  private mutating func reconcile(_ output: Int, _ axes: [Axis], _ shape: [Size]) {
    let sizes = axes.map { context.size($0) }
    guard axes.count == shape.count,
      zip(sizes, shape).allSatisfy({ $0 == $1 || $0.known == nil || $1.known == nil })
    else {
      context.fixInputs("its shape could not be told")
      context.fix(axes, "its shape could not be told")
      return context.setFixedOutput(output, "its shape could not be told")
    }
    guard sizes != shape else { return }
    var axes = axes
    for index in axes.indices where sizes[index] != shape[index] {
      context.fix(axes[index], "its size is known only at run time")
      axes[index] = context.fixedAxis(shape[index], "its size is known only at run time")
    }
    context.setOutput(output, axes)
  }

  /// Sizes may follow only into shapes. Where one enters the arithmetic its first value is frozen, which needs that
  /// value to be known.
  private mutating func trackSizes(_ node: Node, _ found: (any Operator)?) {
    if node.opType == "Shape" || node.opType == "Size" {
      guard let axes = context.input(0), let output = node.output(0) else { return }
      dependences[output.index] = axes.map(\.dimension)
      return
    }
    let sizeInputs = found?.sizeInputs(node) ?? []
    let staysSize = (found?.isShapeArithmetic ?? false) && !(context.outputFacts().type?.isFloatingPoint ?? true)
    var carried: [DimensionID] = []
    for (position, input) in node.inputs.enumerated() {
      guard let input, !dependences[input.index].isEmpty else { continue }
      if staysSize {
        carried += dimensions(of: input)
        continue
      }
      // Where a size is taken as one, ``followSizes(_:_:)`` sees to it once the axes it becomes are known.
      if found != nil, sizeInputs.contains(position) { continue }
      if found == nil || context.facts[input.index].knownElements == nil {
        // A node nobody has a rule for is not rewritten, whatever is known of what it reads.
        fix(dimensions(of: input), "its size enters the arithmetic")
      }
    }
    guard !carried.isEmpty else { return }
    let unique = Set(carried.map { context.dimensions.root($0) }).sorted()
    guard unique.count <= Self.dependenceLimit else {
      return fix(unique, "its size enters long arithmetic")
    }
    for case let output? in node.outputs { dependences[output.index] = unique }
  }

  /// More dimensions than any shape has; what is computed from more of them is not followed.
  private static let dependenceLimit = 1024

  /// The dimensions an integer tensor is computed from: those its elements are the sizes of where each is one's, and
  /// otherwise every one that had part in it.
  private func dimensions(of value: ValueID) -> [DimensionID] {
    let terms = context.sizeTerms[value.index]
    let complete = terms.flatMap { $0.contains { $0 == nil } ? nil : $0.compactMap { $0 } }
    return complete?.flatMap { computedFrom[$0] ?? [$0] } ?? dependences[value.index]
  }

  private mutating func fix(_ dimensions: [DimensionID], _ reason: String) {
    for dimension in dimensions { context.dimensions.fix(dimension, context.cause(reason)) }
  }

  /// Gives the elements of what a node computed from sizes stand-ins in the place of the dimensions they are no sizes
  /// of, which operators that only move elements then carry along.
  private mutating func noteComputed(_ node: Node) {
    for case let output? in node.outputs where !dependences[output.index].isEmpty {
      guard context.sizeTerms[output.index] == nil else { continue }
      let facts = context.facts[output.index]
      guard let count = facts.contents?.count ?? facts.shape.flatMap({ Size.product($0)?.known }), count <= 64 else {
        continue
      }
      context.sizeTerms[output.index] = (0..<count).map { position in
        let size = facts.contents?[position].size ?? .known(-1)
        let standIn = context.dimensions.make(size, fixed: context.cause("it is computed"))
        computedFrom[standIn] = dependences[output.index]
        return standIn
      }
    }
  }

  /// Fixes what sizes were computed from that do not follow when it shrinks.
  private mutating func followSizes(_ node: Node, _ found: any Operator) {
    for position in found.sizeInputs(node).sorted() {
      guard let input = node.input(position), !dependences[input.index].isEmpty else { continue }
      let axes = position == found.shapeInput ? node.output(0).flatMap { context.axes[$0.index] } : nil
      fix(notFollowing(input, as: axes), "a size is computed from its own")
    }
  }

  /// The dimensions that may not shrink where a vector holds sizes: those its elements were computed from, unless an
  /// element is a number, which the rewriter replaces where it no longer fits; the size of one dimension, which
  /// follows by itself; or is computed from just what the axis it spells is made of, and is as long.
  private func notFollowing(_ value: ValueID, as axes: [Axis]?) -> [DimensionID] {
    let contents = context.facts[value.index].contents
    guard let terms = context.sizeTerms[value.index] else {
      return context.facts[value.index].knownElements != nil ? [] : dependences[value.index]
    }
    var found: [DimensionID] = []
    for (position, term) in terms.enumerated() {
      let content = contents.flatMap { position < $0.count ? $0[position] : nil }
      if content?.double != nil { continue }
      guard let term else { return dependences[value.index] }
      guard let sources = computedFrom[term] else { continue }
      if let axes, axes.count == terms.count, let size = content?.size, size == context.size(axes[position]) {
        let leaves = Set(context.dimensions.leaves(axes[position].dimension))
        let free = sources.flatMap { context.dimensions.leaves($0) }.filter { context.dimensions.isFree($0) }
        if leaves.isSuperset(of: free) { continue }
      }
      found += sources
    }
    return found
  }

  /// Integer values computed from sizes that may shrink.
  var sizes: Set<ValueID> {
    Set(dependences.indices.lazy.filter { !dependences[$0].isEmpty }.map { ValueID($0) })
  }

  private mutating func fixDependences(of value: ValueID, reason: String, node: Int? = nil) {
    guard !dependences[value.index].isEmpty else { return }
    for dimension in dimensions(of: value) {
      context.dimensions.fix(dimension, Cause(node: node, reason: reason))
    }
  }
}

extension Facts {
  /// The contents if every element is a number.
  public var knownElements: [Element]? {
    guard let contents, contents.allSatisfy({ $0.double != nil }) else { return nil }
    return contents
  }
}

extension OperatorName {
  var spelled: String { domain.isEmpty ? type : "\(domain).\(type)" }
}
