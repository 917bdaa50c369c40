import IR
import Operators

/// The gradients a differentiated graph ends in, each in memory of its own: callers change them in place, and they stay
/// when the inputs of a run are gone.
///
/// A gradient may be what differentiation started from, a constant, a value of the forward graph, another name for one
/// of these, or the gradient of another target too. It is copied then.
enum GradientResults {
  /// Operators that may give their first input back as it is.
  private static let mayBeViews: Set<String> = [
    "BroadcastTo", "Cast", "CastLike", "Dropout", "Expand", "Flatten", "Identity", "Max", "Mean", "Min", "Reshape",
    "ReshapeTo", "Resize", "Squeeze", "Sum", "SumTo", "Tile", "Transpose", "Unsqueeze",
  ]

  /// - Returns: the gradients that reached targets, by target.
  static func gather(
    of targets: [ValueID], _ bound: BoundModel, _ context: inout GradientContext
  ) -> [ValueID: ValueID] {
    let computed = computed(from: targets, bound, context.emitted)
    var sources: [ValueID: ValueID] = [:]
    for node in context.emitted where mayBeViews.contains(node.opType) {
      if let output = node.output(0), let input = node.input(0) { sources[output] = input }
    }
    var gradients: [ValueID: ValueID] = [:]
    var owned: Set<ValueID> = []
    for target in targets {
      guard let gradient = context.gradients[target.index] else { continue }
      var root = gradient
      while let source = sources[root] { root = source }
      if computed.contains(root), owned.insert(root).inserted {
        gradients[target] = gradient
      } else {
        gradients[target] = context.emit(.own("GradientResult"), gradient, target)
      }
    }
    return gradients
  }

  /// What added nodes compute anew in every run: not what folds to a constant.
  private static func computed(from targets: [ValueID], _ bound: BoundModel, _ emitted: [Node]) -> Set<ValueID> {
    let given = Set(bound.model.graph.initializers.map(\.value))
    var changing = Set(targets)
    for input in bound.model.graph.inputs where !given.contains(input.value) { changing.insert(input.value) }
    func follow(_ node: Node) -> [ValueID] {
      guard node.inputs.contains(where: { $0.map(changing.contains) ?? false }) else { return [] }
      let outputs = node.outputs.compactMap { $0 }
      changing.formUnion(outputs)
      return outputs
    }
    for index in bound.order { _ = follow(bound.model.graph.nodes[index]) }
    var computed: Set<ValueID> = []
    for node in emitted { computed.formUnion(follow(node)) }
    return computed
  }
}
