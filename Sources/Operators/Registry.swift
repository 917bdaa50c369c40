/// Finds operators by name. Every operator of the project is listed here and nowhere else.
public struct OperatorRegistry: Sendable {
  private let operators: [OperatorName: any Operator]

  public init(_ operators: [any Operator]) {
    var table: [OperatorName: any Operator] = [:]
    for candidate in operators {
      for name in candidate.names { table[name] = candidate }
    }
    self.operators = table
  }

  public func callAsFunction(_ name: OperatorName) -> (any Operator)? { operators[name] }

  /// The names with a rule, sorted.
  public var names: [OperatorName] {
    operators.keys.sorted { ($0.domain, $0.type) < ($1.domain, $1.type) }
  }

  public static let standard = OperatorRegistry(operators)

  /// The standard ones and Coppice's own: what a running graph is made of.
  public static let runtime = OperatorRegistry(operators + ownOperators)

  /// All operators, by family.
  public static let operators: [any Operator] =
    elementwise + linear + shaping + selection + random + signal + text + reductions + losses + convolution
    + normalization + pooling + recurrent + quantized + contrib + attention + controlFlow

  static let elementwise: [any Operator] = Unary.all + Binary.all + [Clip(), Where(), Dropout(), CumulativeSum()]
  static let linear: [any Operator] = [MatMul(), Gemm(), Einsum()]
  static let reductions: [any Operator] =
    Reduce.all + [ArgumentReduce(), Softmax(), TopK(), Determinant()]
  static let losses: [any Operator] = [LikelihoodLoss()]
  static let shaping: [any Operator] =
    [
      Cast(), Concat(), Constant(), ConstantOfShape(), Expand(), Flatten(), Gather(), GatherElements(), GatherND(),
      Identity(), Pad(), RangeOperator(), Reshape(), Resize(), ScatterND(), Shape(), SizeOperator(), Slice(), Split(),
      Squeeze(), Tile(), Transpose(), Trilu(), Unsqueeze(), OneHot(), ReverseSequence(), EyeLike(), CenterCropPad(),
      TensorScatter(),
    ]
  static let selection: [any Operator] = [Compress(), NonZero(), Unique(), NonMaxSuppression()]
  static let random: [any Operator] = [RandomTensor(), Bernoulli(), Multinomial()]
  static let signal: [any Operator] = [WindowFunction(), MelWeightMatrix(), DFT(), STFT()]
  static let text: [any Operator] = [TfIdfVectorizer()]
  static let controlFlow: [any Operator] = [If(), Loop(), Scan()]
  static let convolution: [any Operator] = [Conv(), ConvTranspose(), DeformConv(), DepthToSpace()]
  static let normalization: [any Operator] = [
    BatchNormalization(), InstanceNormalization(), GroupNormalization(), LayerNormalization(), LpNormalization(),
    LRN(), MeanVarianceNormalization(),
  ]
  static let pooling: [any Operator] = [
    Pool(), GlobalPool(), RegionPool(), GridSample(), AffineGrid(), ColumnsToImage(), MaxUnpool(),
  ]
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
