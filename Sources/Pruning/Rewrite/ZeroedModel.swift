import Analysis
import Dimensions
import IR

/// A model in which the channels that do not stay are zero, with the whole model's analysis that holds its numbers.
///
/// It has the shapes, groups and weights of the original, so that whatever is measured of it by weight or by channel
/// has the places it has there. Where groups are exact it computes what the pruned model computes; behind a
/// normalization over the channels that went it only comes near, for they count there as zeros. What divides stays as
/// it is, so that zeros stay zeros. The analysis is not made anew: a vector that nodes share gets a copy for each of
/// them, which would move the weights behind it.
struct ZeroedModel {
  let model: Model
  let analysis: ModelAnalysis

  /// - Throws: where names do not tell weights apart.
  init(_ original: Model, _ analysis: ModelAnalysis, keeping keep: KeepSets) throws(PlanError) {
    let model = try original.zeroing(Plan.removals(analysis, keep), keepingDivisors: true)
    var constants: [ValueID: Tensor] = [:]
    Self.collect(model.graph, into: &constants)
    let known = original.valueNames.count
    self.analysis = analysis.replacingTensors { index in
      let weight = analysis.weights[index]
      guard let use = weight.use else { return constants[weight.value] }
      // A use that loses something reads a tensor of its own, which the original has not.
      let input = model.node(at: analysis.nodes[use.node].path)?.input(use.input)
      return input.flatMap { $0.index >= known ? constants[$0] : nil }
    }
    self.model = model
  }

  private static func collect(_ graph: Graph, into constants: inout [ValueID: Tensor]) {
    for initializer in graph.initializers { constants[initializer.value] = initializer.tensor }
    for node in graph.nodes {
      if let output = node.output(0), let tensor = node.constantTensor { constants[output] = tensor }
      for body in node.subgraphs { collect(body, into: &constants) }
    }
  }
}
