extension OperatorRegistry {
  static let controlFlow: [any Operator] = [If(), Loop(), Scan()]
  static let convolution: [any Operator] = [Conv(), ConvTranspose(), DeformConv(), DepthToSpace()]
  static let normalization: [any Operator] = [
    BatchNormalization(), InstanceNormalization(), GroupNormalization(), LayerNormalization(), LpNormalization(),
    LRN(), MeanVarianceNormalization(),
  ]
  static let pooling: [any Operator] = [Pool(), GlobalPool(), RegionPool(), GridSample()] + ColumnsToImage.all
  static let recurrent: [any Operator] = Recurrent.all
  static let quantized: [any Operator] = [
    QuantizeLinear(), DynamicQuantizeLinear(), QuantizedConv(), QuantizedMatMul(), QGemm(), QLinearBinary(),
    QLinearConcat(), QLinearPool(), QLinearUnary(), MatMulNBits(), QLinearWhere(),
  ]
  static let attention: [any Operator] = [
    GroupQueryAttention(), MultiHeadAttention(), ProjectedAttention(), RotaryEmbedding(), ScaledDotProductAttention(),
  ]
  static let contrib: [any Operator] = [
    BiasAdd(), BiasGelu(), BiasSplitGelu(), EmbedLayerNormalization(), FusedConv(), FusedGemm(), FusedMatMul(),
    GroupNorm(), NhwcMaxPool(), MixtureOfExperts(), SkipLayerNormalization(),
  ]
}
