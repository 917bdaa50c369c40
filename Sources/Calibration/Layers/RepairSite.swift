import Analysis
import Dimensions
import IR
import Pruning

/// A linear layer of a pruned model beside the one it was: what is left of it, and where its numbers are.
struct RepairSite {
  /// In the model as it was.
  let layer: LinearLayer
  /// The node's index in the pruned graph.
  let node: Int
  /// The input that reads the weight there: the node's own, or that of a transposition before it.
  let reader: (node: Int, input: Int)
  /// Channels of the layer's input and output, as it was, that are left.
  let keptInputs: [Int]
  let keptOutputs: [Int]
  /// The shape of what is left of the weight.
  let weightShape: [Int]
  /// Its matrices.
  let form: LayerForm
  let shift: ShiftPlace
  /// The batch normalization that alone reads the output.
  let normalization: Int?

  /// Where something can be added to each of the layer's outputs.
  enum ShiftPlace: Equatable {
    /// An input of a node that holds a constant for each output; it may still be left out.
    case constant(node: Int, input: Int)
    /// The running mean of the normalization behind the layer, from which it is subtracted.
    case normalizationMean(node: Int)
    case none
  }

  /// Rows and columns of one group's matrix.
  var rows: Int { form.rows }
  var columns: Int { form.columns }
  var groups: Int { form.groups }

  /// The weight as one row-major matrix for each group.
  func matrices(_ weight: [Float]) -> [[Double]] { form.matrices(weight) }

  /// The weight that such matrices make.
  func weight(_ matrices: [[Double]]) -> [Float] { form.weight(matrices) }
}

/// The layers of a pruned model whose inputs are no longer what they were.
struct RepairSites {
  /// In the order they run.
  let all: [RepairSite]
  /// Layers, and other nodes with a weight that lost columns, that are left as they are, and why.
  let skipped: [(label: String, reason: String)]

  /// - Parameters:
  ///   - layers: of the model as it was.
  ///   - keep: what was kept of it.
  ///   - pruned: what became of it; values have the numbers they had.
  init(_ layers: LinearLayers, _ analysis: ModelAnalysis, keep: KeepSets, pruned: Model) {
    let uses = OperandUses(pruned)
    let affected = Self.affectedValues(analysis, keep, pruned)
    var all: [RepairSite] = []
    var skipped: [(label: String, reason: String)] = []
    for layer in layers.all where affected.contains(layer.input) {
      let weight = analysis.weights[layer.weight]
      // What nothing reads any more is gone, and a weight that callers may replace is not cut.
      guard let node = uses.producers[layer.output], let reader = uses.weightReader(of: node),
        let value = pruned.graph.nodes[reader.node].input(reader.input), let tensor = uses.constants[value]
      else { continue }
      guard weight.readers.count == (reader.node == node ? 1 : 2) else {
        skipped.append((layer.label, Self.sharedReason(weight)))
        continue
      }
      guard tensor.dataType.isFloatingPoint else {
        skipped.append((layer.label, Self.typeReason(weight)))
        continue
      }
      let inputs = analysis.axes[layer.input.index]?[layer.channelAxis].dimension
      let outputs = layer.outputDimension(analysis)
      guard let inputs, let inputSize = analysis.dimensions.size(inputs).known,
        let outputSize = analysis.dimensions.size(outputs).known
      else {
        skipped.append((layer.label, "how many channels it reads is known only at run time"))
        continue
      }
      func kept(_ dimension: DimensionID, _ size: Int) -> [Int] {
        analysis.dimensions.keptIndices(dimension, keep)?.map { Int($0) } ?? Array(0..<size)
      }
      let groups = max(1, Int(pruned.graph.nodes[node].int("group", default: 1)))
      let form = LayerForm(layer, tensor.shape, groups: groups)
      guard let (shift, normalization) = uses.shiftPlace(node, outputs: form.groups * form.rows) else {
        skipped.append((layer.label, "its bias is no vector of constants that it adds as they are"))
        continue
      }
      all.append(
        RepairSite(
          layer: layer, node: node, reader: reader, keptInputs: kept(inputs, inputSize),
          keptOutputs: kept(outputs, outputSize), weightShape: tensor.shape, form: form, shift: shift,
          normalization: normalization))
    }
    self.all = all
    self.skipped = skipped + Self.unhandled(layers, analysis, keep)
  }

  /// Nodes that are no linear layers and lost columns of a weight, one entry a node.
  private static func unhandled(
    _ layers: LinearLayers, _ analysis: ModelAnalysis, _ keep: KeepSets
  ) -> [(label: String, reason: String)] {
    var named: Set<Int> = []
    return layers.unhandled.compactMap { reader -> (label: String, reason: String)? in
      guard let kept = keep[reader.dimension], analysis.dimensions.size(reader.dimension) != .known(kept.count),
        named.insert(reader.node).inserted
      else { return nil }
      let (node, weight) = (analysis.nodes[reader.node], analysis.weights[reader.weight])
      let reason: String
      if !node.path.steps.isEmpty {
        reason = "its weight \(weight.name) lost columns, and it stands in a body"
      } else if !weight.tensor.dataType.isFloatingPoint {
        reason = typeReason(weight)
      } else if weight.use != nil {
        reason = sharedReason(weight)
      } else {
        reason = "its weight \(weight.name) lost columns, and this \(node.opType) is no plain linear layer"
      }
      return (node.label, reason)
    }
  }

  private static func sharedReason(_ weight: Weight) -> String {
    "its weight \(weight.name) is shared with other nodes"
  }

  private static func typeReason(_ weight: Weight) -> String {
    "its weight \(weight.name) is no tensor of floating-point numbers"
  }

  /// Values of the pruned graph that miss something, or are computed from such.
  private static func affectedValues(_ analysis: ModelAnalysis, _ keep: KeepSets, _ pruned: Model) -> Set<ValueID> {
    let cut = Set(keep.dimensions)
    var affected: Set<ValueID> = []
    let order = (try? pruned.graph.topologicalOrder()) ?? Array(pruned.graph.nodes.indices)
    let constants = Set(pruned.graph.initializers.map(\.value))
    for index in order {
      let node = pruned.graph.nodes[index]
      let reads = node.reads.filter { !constants.contains($0) }
      let isAffected = reads.contains { affected.contains($0) }
      for case let output? in node.outputs {
        let axes = output.index < analysis.axes.count ? analysis.axes[output.index] : nil
        let misses = axes?.contains { analysis.dimensions.leaves($0.dimension).contains(where: cut.contains) } ?? false
        if isAffected || misses { affected.insert(output) }
      }
    }
    return affected
  }
}
