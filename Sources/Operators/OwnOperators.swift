extension OperatorRegistry {
  /// Operators of Coppice's own, by family, a line each. No file may hold them.
  public static let ownOperators: [any Operator] = [
    ownGradients,
    ownConvolution,
    ownNormalization,
    ownPooling,
    ownRecurrent,
    ownContrib,
    ownLosses,
    ownMoving,
    ownLinear,
  ].flatMap { $0 }

  static let ownGradients: [any Operator] = [
    SumTo(), GradientResult(), BroadcastTo(), UnaryGradient(), BinaryGradient(), ClipGradient(), DropoutTraining(),
    SoftmaxGradient(), ReduceProdGradient(), TopKGradient(),
  ]
  static let ownConvolution: [any Operator] = [
    FusedConvolution(), ConvInputGradient(), ConvWeightGradient(), ConvBiasGradient(), ConvTranspose.Gradient(),
  ]
  static let ownNormalization: [any Operator] = [
    BatchNormalizationTraining(), BatchNormalizationGradient(), BatchNormalizationFrozenGradient(),
    LayerNormalizationGradient(), GroupNormalizationGradient(), AxisNormalizationGradient(),
  ]
  static let ownMoving: [any Operator] = [
    ReshapeTo(), SliceRange(), ScatterStrided(), GatherGradient(), PadGradient(), GatherElementsGradient(),
    GatherNDGradient(), ResizeGradient(),
  ]
  static let ownLinear: [any Operator] = [MatrixMultiply()]
  static let ownPooling: [any Operator] = [PoolGradient(), GlobalPoolGradient()]
  static let ownRecurrent: [any Operator] = [RecurrentGradient()]
  static let ownContrib: [any Operator] = [
    AttentionGradient(), BiasGeluGradient(), SkipNormalizationGradient(), FusedActivationGradient(),
  ]
  static let ownLosses: [any Operator] = [
    CrossEntropyLoss(), CrossEntropyLossGradient(), ElementLoss.meanSquaredError,
    ElementLoss.meanSquaredError.gradient, ElementLoss.binaryCrossEntropy, ElementLoss.binaryCrossEntropy.gradient,
    DistillationLoss(), DistillationLossGradient(), LikelihoodLoss.Gradient(),
  ]
}
