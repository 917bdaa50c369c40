import Analysis
import Dimensions
import IR
import Pruning

/// The groups that lost channels and are read by exactly one linear layer and nothing else, so that what the layer
/// loses is what the choice of channels costs.
///
/// Any channels of a group may be kept, as far as the graph is concerned, if they are as many: indices of one
/// dimension are kept alike wherever it occurs, in each group of a convolution and in each part of a concatenation.
/// What is checked is that the layer's loss says everything: no other node mixes the channels, or ends them.
struct RefinableGroups {
  struct Target {
    let group: PruningGroup
    /// Index into the linear layers.
    let reader: Int
  }

  let targets: [Target]
  /// Groups that are left as they are, and why.
  let skipped: [(group: String, reason: String)]

  /// - Parameters:
  ///   - layers: of the model as it was.
  ///   - columnLimit: the largest matrix that is looked at.
  init(_ layers: LinearLayers, _ model: Model, _ analysis: ModelAnalysis, keep: KeepSets, columnLimit: Int) {
    var (targets, skipped) = ([Target](), [(group: String, reason: String)]())
    for group in analysis.groups {
      guard let kept = keep[group.dimension], kept.count < group.size else { continue }
      let readers = layers.readers(of: group)
      guard readers.count == 1 else {
        let reason = readers.isEmpty ? "no linear layer reads it" : "\(readers.count) linear layers read it"
        skipped.append((group.id, reason))
        continue
      }
      let layer = layers.all[readers[0]]
      if let reason = Self.obstacle(group, layer, model, analysis, columnLimit) {
        skipped.append((group.id, reason))
      } else {
        targets.append(Target(group: group, reader: readers[0]))
      }
    }
    (self.targets, self.skipped) = (targets, skipped)
  }

  private static func obstacle(
    _ group: PruningGroup, _ layer: LinearLayer, _ model: Model, _ analysis: ModelAnalysis, _ columnLimit: Int
  ) -> String? {
    let weight = analysis.weights[layer.weight]
    guard weight.tensor.dataType.isFloatingPoint else {
      return "the weight \(weight.name) of \(layer.label) is no tensor of floating-point numbers"
    }
    let form = LayerForm(layer, weight.tensor.shape)
    guard form.columns <= columnLimit else {
      return "the matrix of \(layer.label) has \(form.columns) columns, more than \(columnLimit)"
    }
    func leaves(_ dimension: DimensionID) -> [DimensionID] { analysis.dimensions.leaves(dimension) }
    if leaves(layer.outputDimension(analysis)).contains(group.dimension) {
      return "\(layer.label) makes channels of it, too"
    }
    let axes = analysis.axes[layer.input.index] ?? []
    guard axes.flatMap({ leaves($0.dimension) }).count(where: { $0 == group.dimension }) == 1 else {
      return "it occurs several times in what \(layer.label) reads"
    }
    if group.members.contains(where: { $0.role == .consumer && $0.weight != layer.weight }) {
      return "another node than \(layer.label) has weights that read it"
    }
    // That the layer sums up channels which do not vanish when they are zeroed is made up for by its bias.
    if let cause = group.approximations.first(where: { $0.node != layer.node }) {
      return "its channels change each other: \(cause.reason)"
    }
    return mixer(of: group, besides: layer, model, analysis).map { "\($0) reads it and does not pass it on" }
  }

  /// A node other than the layer that reads the group's channels and makes something without them, or may do so inside
  /// a body.
  private static func mixer(
    of group: PruningGroup, besides layer: LinearLayer, _ model: Model, _ analysis: ModelAnalysis
  ) -> String? {
    func has(_ value: ValueID) -> Bool {
      guard value.index < analysis.axes.count, let axes = analysis.axes[value.index] else { return false }
      return axes.contains { analysis.dimensions.leaves($0.dimension).contains(group.dimension) }
    }
    let own = analysis.nodes[layer.node].path.index
    for (index, node) in model.graph.nodes.enumerated() where index != own {
      let outputs = node.outputs.compactMap { $0 }
      if !node.subgraphs.isEmpty {
        guard !node.reads.contains(where: has), !outputs.contains(where: has) else { return node.label(in: model) }
        continue
      }
      // What only asks for sizes reads no channel.
      guard node.reads.contains(where: has), !outputs.allSatisfy(analysis.sizes.contains) else { continue }
      guard node.opType != "Shape", node.opType != "Size" else { continue }
      if !outputs.contains(where: has) { return node.label(in: model) }
    }
    return nil
  }
}
