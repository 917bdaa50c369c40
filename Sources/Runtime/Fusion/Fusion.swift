import Analysis
import IR

/// A rewriting that replaces several nodes by one that computes the same with fewer passes over memory.
protocol FusionRule: Sendable {
  /// Replaces the pattern that ends in a node, if there is one.
  func apply(at node: Int, _ graph: inout FusionGraph)
}

/// Everything that is fused before a model runs, one rule a file.
enum Fusion {
  /// What may also be differentiated.
  static let differentiable: [any FusionRule] = [
    FuseGelu(), FuseLayerNormalization(), FuseNormalizationActivation(), FuseAttention(trains: true), FuseLinear(),
  ]
  /// What changes weights, so only for models that are not trained.
  static let inference: [any FusionRule] = [
    FuseGelu(), FuseLayerNormalization(), FoldBatchNormalization(), FuseConvolutionResidual(),
    FuseConvolutionActivation(), FuseAttention(trains: false), FuseLinear(),
  ]

  /// - Parameters:
  ///   - kept: values that must still be computed, such as the graph's outputs.
  ///   - trained: weights that training changes, whose numbers are no constants.
  static func apply(
    _ rules: [any FusionRule], to model: Model, keeping kept: [ValueID], trained: Set<ValueID> = []
  ) -> Model {
    var model = model
    // Fusing changes no shape of a value that stays; where the graph contradicts itself, binding it will say so.
    let facts = (try? ShapeInference(model))?.facts ?? []
    for rule in rules {
      var graph = FusionGraph(model, facts: facts, keeping: kept, trained: trained)
      for index in model.graph.nodes.indices { rule.apply(at: index, &graph) }
      model = graph.finished()
    }
    return model
  }
}
