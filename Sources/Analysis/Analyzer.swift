import Dimensions
import IR
import Operators

extension ModelAnalysis {
  /// Infers shapes, unifies dimensions and collects groups. Near-linear in the number of nodes.
  /// - Throws: where the model contradicts itself, naming the node.
  public init(_ model: Model, registry: OperatorRegistry = .standard) throws(AnalysisError) {
    let walk = try GraphWalk(model)
    let shapes = try ShapeInference(model, walk: walk, registry: registry)
    let pass = AxisPass(model, walk: walk, shapes: shapes, registry: registry)
    let context = pass.context
    let nodes = walk.visits.enumerated().map { index, visit in
      AnalyzedNode(
        label: visit.node.label(in: model), opType: visit.node.opType, path: visit.path,
        isContradictory: shapes.contradictory.contains(index))
    }
    let weights = Self.weights(pass, nodes: nodes, walk: walk)
    let functions = ShapeInference.functions(of: model)
    var terms: [MACTerm] = []
    for (index, visit) in walk.visits.enumerated() where !shapes.contradictory.contains(index) {
      guard let found = ShapeInference.find(visit.node, in: registry, functions: functions) else { continue }
      let remembered: (String) -> DimensionID? = { context.remembered[.init(node: index, key: $0)] }
      terms += found.macs(
        MACContext(node: visit.node, facts: shapes.facts, axes: context.axes, remembered: remembered))
    }
    let builder = GroupBuilder(context: context, weights: weights, nodes: nodes)
    self.init(
      facts: shapes.facts, symbols: shapes.symbols, dimensions: context.dimensions, axes: context.axes, nodes: nodes,
      weights: weights, groups: builder.groups(), fixed: builder.fixedRemarks(), macTerms: terms, sizes: pass.sizes,
      useAxes: context.useAxes, remembered: context.remembered)
  }

  /// One entry a tensor, or one a use of a vector that nodes share.
  private static func weights(_ pass: AxisPass, nodes: [AnalyzedNode], walk: GraphWalk) -> [Weight] {
    let context = pass.context
    var uses: [ValueID: [AxisContext.VectorUse]] = [:]
    for use in context.useAxes.keys.sorted(by: { ($0.node, $0.input) < ($1.node, $1.input) }) {
      var value = walk.visits[use.node].node.input(use.input)
      // A use of an alias is a use of what the chain of identities starts with.
      while let alias = value, let source = pass.identitySource[alias] { value = source }
      if let value { uses[value, default: []].append(use) }
    }
    let readers = Readers(walk, facts: context.facts)
    var weights: [Weight] = []
    for source in pass.weights {
      let isParameter = AxisPass.isParameter(source.tensor)
      func weight(_ axes: [Axis], _ use: AxisContext.VectorUse?) -> Weight {
        Weight(
          name: source.name, value: source.value, tensor: source.tensor, axes: axes.map(\.dimension), use: use,
          useLabel: use.map { nodes[$0.node].label }, readers: use.map { readers.from($0) } ?? readers.of(source.value),
          place: source.place, isParameter: isParameter)
      }
      if context.sharedVectors.contains(source.value), let list = uses[source.value] {
        for use in list { if let axes = context.useAxes[use] { weights.append(weight(axes, use)) } }
      } else if let axes = context.axes[source.value.index] {
        weights.append(weight(axes, nil))
      }
    }
    return weights
  }
}
