extension OperatorRegistry {
  static let convolution: [any Operator] = [Conv(), ConvTranspose(), DepthToSpace()]
  static let normalization: [any Operator] = [
    BatchNormalization(), InstanceNormalization(), GroupNormalization(), LayerNormalization(), LpNormalization(),
  ]
  static let pooling: [any Operator] = [Pool(), GlobalPool()]
  static let recurrent: [any Operator] = Recurrent.all
  static let quantized: [any Operator] = [QuantizeLinear()]
  static let contrib: [any Operator] = [BiasGelu(), SkipLayerNormalization(), FusedMatMul()]
}
