import IR

/// The activation that ONNX Runtime's optimizers append to `FusedConv` and `FusedGemm`.
enum FusedActivation {
  /// Whether the activation of zero is zero, so that removed channels stay silent.
  static func keepsZero(_ node: Node) -> Bool {
    switch node.string("activation") {
    case nil, "", "Relu", "LeakyRelu", "Tanh", "HardSwish", "Elu", "Selu", "Softsign", "ThresholdedRelu": true
    case "Clip": rangeContainsZero(node)
    default: false
    }
  }

  private static func rangeContainsZero(_ node: Node) -> Bool {
    guard case .floats(let range) = node.attribute("activation_params"), range.count == 2 else { return false }
    return range[0] <= 0 && range[1] >= 0
  }
}
