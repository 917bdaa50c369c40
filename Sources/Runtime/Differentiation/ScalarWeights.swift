import IR

/// Which of a model's single numbers are weights.
///
/// Files do not tell a weight of one element from a constant of the arithmetic: simplifiers turn both into initializers.
/// What uses the number does.
enum ScalarWeights {
  private static let products: Set<String> = [
    "Conv", "ConvTranspose", "FusedConv", "FusedGemm", "FusedMatMul", "Gemm", "MatMul",
  ]
  private static let owners: Set<String> = products.union([
    "BatchNormalization", "GRU", "GroupNorm", "GroupNormalization", "InstanceNormalization", "LSTM",
    "LayerNormalization", "PRelu", "RMSNormalization", "RNN", "SimplifiedLayerNormalization", "SkipGroupNorm",
    "SkipLayerNormalization", "SkipSimplifiedLayerNormalization",
  ])

  /// Operands of normalizations, `PRelu`, recurrences and products; and vectors of one element that are added to a
  /// product, which is how a bias is spelled.
  static func all(of model: Model) -> Set<ValueID> {
    var weights: Set<ValueID> = []
    var results: Set<ValueID> = []
    let vectors = Set(
      model.graph.initializers.filter { !$0.tensor.shape.isEmpty && $0.tensor.elementCount == 1 }.map(\.value))
    for node in model.graph.nodes {
      if owners.contains(node.opType) { weights.formUnion(node.inputs.compactMap { $0 }) }
      if products.contains(node.opType) { results.formUnion(node.outputs.compactMap { $0 }) }
    }
    for node in model.graph.nodes where node.opType == "Add" {
      let inputs = node.inputs.compactMap { $0 }
      guard inputs.contains(where: results.contains) else { continue }
      weights.formUnion(inputs.filter(vectors.contains))
    }
    return weights
  }
}
