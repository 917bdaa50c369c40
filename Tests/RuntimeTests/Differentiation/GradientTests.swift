import IR
import Operators
import TestSupport
import Testing

@testable import Runtime

/// Every operator's gradient against central differences, in double precision.
@Suite("Gradients")
struct GradientTests {
  /// A graph whose weights are all differentiated, and the numbers they are drawn from.
  struct Case: CustomTestStringConvertible, Sendable {
    let text: String
    var range: ClosedRange<Double> = -1...1
    var opset: Int64 = 17

    init(_ text: String, _ range: ClosedRange<Double> = -1...1, opset: Int64 = 17) {
      self.text = text
      self.range = range
      self.opset = opset
    }

    var testDescription: String { text.split(separator: "\n").joined(separator: "; ") }
  }

  static let elementwiseCases: [Case] =
    [
      "Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Neg", "Abs", "Sin", "Cos", "Softplus", "Softsign", "Elu", "Selu",
      "Celu",
      "HardSwish", "Identity", "LeakyRelu", "ThresholdedRelu", "Mish", "Asinh", "Atan", "Cosh", "Sinh", "Tan",
    ].map { Case("y = \($0)(a[3, 5])\nreturn y", opset: 18) }
    + ["Acos", "Asin", "Atanh"].map { Case("y = \($0)(a[3, 5])\nreturn y", -0.8...0.8) }
    + [
      Case("y = Acosh(a[3, 5])\nreturn y", 1.2...2), Case("y = Swish(a[3, 5]) { alpha: 0.5 }\nreturn y", opset: 24),
      Case("y = Mod(a[2, 3], !b[3]+) { fmod: 1 }\nreturn y"),
      Case("y = Shrink(a[3, 5]) { lambd: 0.3, bias: 0.1 }\nreturn y"), Case("y = Dropout(a[3, 5])\nreturn y"),
    ] + ["Log", "Sqrt", "Reciprocal"].map { Case("y = \($0)(a[3, 5])\nreturn y", 0.3...2) }
    + [
      Case("y = Gelu(a[3, 5])\nreturn y", opset: 20),
      Case("y = Gelu(a[3, 5]) { approximate: \"tanh\" }\nreturn y", opset: 20),
      Case("y = ms:Gelu(a[3, 5])\nreturn y"), Case("y = ms:QuickGelu(a[3, 5])\nreturn y"),
      Case("y = ms:BiasGelu(a[3, 5], b[5])\nreturn y"), Case("y = ms:FastGelu(a[3, 5], b[5])\nreturn y"),
      Case("y = HardSigmoid(a[3, 5]) { alpha: 0.3, beta: 0.45 }\nreturn y"),
      Case("y = PRelu(a[2, 3, 4], s[3, 1])\nreturn y"),
      Case("y = Clip(a[3, 5]) { min: 0.1, max: 0.5 }\nreturn y", opset: 10),
      Case("y = Clip(a[3, 5], l[])\nreturn y"), Case("y = Clip(a[3, 5], _, h[])\nreturn y"),
      Case("y = Clip(a[3, 5], l[1], h[1])\nreturn y"),
      Case("y = Add(a[2, 3], b[3])\nreturn y"), Case("y = Sub(a[2, 1, 4], b[3, 1])\nreturn y"),
      Case("y = Mul(a[2, 3], b[2, 1])\nreturn y"), Case("y = Div(a[2, 3], b[3])\nreturn y", 0.5...2),
      Case("y = Pow(a[2, 3], b[3])\nreturn y", 0.5...2), Case("y = Min(a[2, 3], b[3], c[2, 1])\nreturn y"),
      Case("y = Max(a[2, 3], b[3])\nreturn y"), Case("y = Sum(a[2, 3], b[3], c[1])\nreturn y"),
      Case("y = Mean(a[2, 3], b[3])\nreturn y"),
      Case("g = Greater(a[2, 3], b[3])\ny = Where(g, a, b)\nreturn y"),
      Case("x = Mul(a[2, 3], a)\ny = Add(x, a)\nreturn y"),
      Case("y = CumSum(a[2, 4], i<1>)\nreturn y"),
    ]

  static let reductionsCases: [Case] =
    ["ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceMax", "ReduceMin"]
    .map { Case("y = \($0)(a[2, 3, 4], i<1>)\nreturn y", opset: 18) }
    + [
      Case("y = ReduceProd(a[2, 3], i<1>)\nreturn y", 0.5...2, opset: 18),
      Case("y = ReduceLogSum(a[2, 3], i<1>)\nreturn y", 0.5...2, opset: 18),
      Case("y = ReduceMean(a[2, 3, 4], i<0, 2>) { keepdims: 0 }\nreturn y", opset: 18),
      Case("y = Softmax(a[2, 3, 4])\nreturn y"), Case("y = Softmax(a[2, 3, 4]) { axis: 1 }\nreturn y"),
      Case("y = Softmax(a[2, 3, 4]) { axis: 1 }\nreturn y", opset: 11), Case("y = LogSoftmax(a[2, 3, 4])\nreturn y"),
      Case("y, i = TopK(a[2, 6], k<3>)\nreturn y"),
    ]

  static let linearCases: [Case] = [
    Case("y = MatMul(a[2, 3], b[3, 4])\nreturn y"), Case("y = MatMul(a[2, 5, 3], b[3, 4])\nreturn y"),
    Case("y = MatMul(a[2, 1, 4, 3], b[5, 3, 2])\nreturn y"), Case("y = MatMul(a[3], b[3, 4])\nreturn y"),
    Case("y = MatMul(a[2, 4, 3], b[3])\nreturn y"),
    Case("y = Gemm(a[2, 3], b[3, 4], c[4]) { alpha: 0.5, beta: 2.5 }\nreturn y"),
    Case("y = Gemm(a[3, 2], b[4, 3], c[2, 1]) { transA: 1, transB: 1 }\nreturn y"),
    Case("y = Gemm(a[2, 3], b[4, 3]) { transB: 1 }\nreturn y"),
    Case("y = Einsum(a[2, 3, 4], b[2, 4, 5]) { equation: \"bij,bjk->bik\" }\nreturn y"),
    Case("y = Einsum(a[2, 3, 4, 5], b[2, 6, 4, 5]) { equation: \"bqhd,bkhd->bhqk\" }\nreturn y"),
    Case("y = Einsum(a[2, 3], b[2, 1]) { equation: \"ij,ij->ij\" }\nreturn y"),
    Case("y = Einsum(a[2, 3], b[1, 3]) { equation: \"ij,ij->i\" }\nreturn y"),
    Case("y = Einsum(a[2, 3, 4], b[3]) { equation: \"ijk,j->i\" }\nreturn y"),
    Case("y = Einsum(a[2, 3], b[4, 2]) { equation: \"ij,ki->k\" }\nreturn y"),
    Case("y = Einsum(a[2, 1, 3, 4], b[5, 4, 2]) { equation: \"...ij,...jk->...ik\" }\nreturn y"),
    Case("y = ms:TransposeMatMul(a[2, 4, 3], b[2, 4, 5]) { transA: 1 }\nreturn y"),
    Case("y = ms:FusedGemm(a[2, 3], b[4, 3], c[4]) { transB: 1, alpha: 0.5, activation: \"Tanh\" }\nreturn y"),
    Case("y = ms:FusedGemm(a[3, 2], b[3, 4], c[2, 1]) { transA: 1, beta: 2.5, activation: \"Relu\" }\nreturn y"),
    Case("y = ms:BiasAdd(a[2, 3, 4], b[4], r[2, 3, 4])\nreturn y"),
    Case("q = Cast(i<-3, 7, 2>) { to: 3 }\ny = DequantizeLinear(q, s[1])\nreturn y"),
    Case("q = Cast(i<-3, 7, 2>) { to: 3 }\ny = DequantizeLinear(q, s[3]) { axis: 0 }\nreturn y"),
    Case("q = Cast(i<-3, 7, 2>) { to: 3 }\ny = ms:DequantizeLinear(q, s[1])\nreturn y"),
    Case("y = ms:FusedMatMul(a[2, 4, 3], b[2, 4, 5]) { transA: 1, alpha: 0.5 }\nreturn y"),
  ]

  static let movingCases: [Case] = [
    Case("y = Concat(a[2, 3], b[2, 2], a) { axis: 1 }\nreturn y"),
    Case("y = Transpose(a[2, 3, 4]) { perm: [2, 0, 1] }\nreturn y"), Case("y = Reshape(a[2, 6], s<3, -1>)\nreturn y"),
    Case("y = Flatten(a[2, 3, 4])\nreturn y"), Case("y = Squeeze(a[2, 1, 3], i<1>)\nreturn y"),
    Case("y = Unsqueeze(a[2, 3], i<0, 2>)\nreturn y"), Case("y = Expand(a[3, 1], s<2, 3, 4>)\nreturn y"),
    Case("y = Tile(a[2, 3], s<2, 3>)\nreturn y"), Case("y = Gather(a[5, 3], i<4, 0, 4>)\nreturn y"),
    Case("y = Gather(a[2, 5, 3], i<-1, 2>) { axis: 1 }\nreturn y"),
    Case("y = Slice(a[5, 6], s<1, 5>, e<5, 0>, i<0, 1>, t<2, -2>)\nreturn y"),
    Case("y, z = Split(a[2, 6], s<2, 4>) { axis: 1 }\nreturn y, z"),
    Case("y, z = Split(a[2, 6], s<2, 4>) { axis: 1 }\nreturn z"),
    Case("y = Pad(a[2, 3], s<0, 1, 1, 2>)\nreturn y"),
    Case("y = Pad(a[2, 4], s<0, 1, 1, 2>) { mode: \"reflect\" }\nreturn y"),
    Case("y = Pad(a[2, 3], s<0, 1, 1, 2>) { mode: \"edge\" }\nreturn y"), Case("y = Trilu(a[3, 3])\nreturn y"),
    Case("y = Cast(a[2, 3]) { to: 1 }\nreturn y"),
    Case("y = Resize(a[1, 2, 3, 3], _, _, s<1, 2, 6, 5>) { mode: \"nearest\" }\nreturn y"),
    Case("y = Resize(a[1, 2, 3, 3], _, _, s<1, 2, 6, 5>) { mode: \"linear\" }\nreturn y"),
    Case("i = Reshape(j<0, 2, 1, 1>, s<2, 2>)\ny = GatherElements(a[2, 3], i) { axis: 1 }\nreturn y"),
    Case("i = Reshape(j<2, 0>, s<2, 1>)\ny = ScatterND(a[4, 3], i, u[2, 3])\nreturn y"),
    Case("i = Reshape(j<2, 0, 2>, s<3, 1>)\ny = GatherND(a[4, 3], i)\nreturn y"),
    Case("i = Reshape(j<2, 0, 1, 1>, s<2, 2, 1>)\ny = GatherND(a[2, 3, 2], i) { batch_dims: 1 }\nreturn y"),
    Case("i = Reshape(j<2, 0>, s<1, 2>)\ny = ScatterElements(a[2, 3], i, u[1, 2]) { axis: 1 }\nreturn y"),
    Case("i = Reshape(j<0, 2>, s<1, 2>)\ny = ScatterElements(a[3, 2], i, u[1, 2])\nreturn y"),
    Case("i = Reshape(j<2, 2>, s<2, 1>)\ny = ScatterND(a[4, 3], i, u[2, 3]) { reduction: \"add\" }\nreturn y"),
    Case("i = Reshape(j<2, 2>, s<2, 1>)\ny = ScatterND(a[4, 3], i, u[2, 3]) { reduction: \"max\" }\nreturn y"),
    Case("i = Reshape(j<2, 1>, s<1, 2>)\ny = ScatterElements(a[3, 2], i, u[1, 2]) { reduction: \"min\" }\nreturn y"),
    Case("u = Cast(c<2, 3>) { to: 1 }\ny = ScatterElements(a[3], i<1, 1>, u) { reduction: \"mul\" }\nreturn y"),
    Case("y = CastLike(a[2, 3], !b[1])\nreturn y"),
    Case("i = Reshape(j<0, 2>, s<1, 2>)\ny = Scatter(a[3, 2], i, u[1, 2])\nreturn y", opset: 10),
    Case("y = SpaceToDepth(a[1, 2, 4, 4]) { blocksize: 2 }\nreturn y"),
    Case("s = Cast(n<1, 1, 2, 2>) { to: 1 }\ny = Upsample(a[1, 2, 3, 3], s)\nreturn y", opset: 9),
    Case("y = ReverseSequence(a[3, 2, 2], l<3, 2>)\nreturn y"),
    Case("y = DepthToSpace(a[1, 8, 2, 2]) { blocksize: 2 }\nreturn y"),
  ]

  static let imagesCases: [Case] = [
    Case("y = Conv(a[2, 3, 6, 5], w[4, 3, 3, 3], b[4]) { pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = Conv(a[2, 3, 7, 7], w[4, 3, 3, 3]) { strides: [2, 2], pads: [0, 1, 1, 0] }\nreturn y"),
    Case("y = Conv(a[2, 4, 7, 7], w[6, 2, 3, 3], b[6]) { group: 2, dilations: [2, 2] }\nreturn y"),
    Case("y = Conv(a[2, 4, 6, 6], w[4, 1, 3, 3]) { group: 4, pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = Conv(a[2, 4, 7, 7], w[4, 1, 3, 3], b[4]) { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = Conv(a[2, 3, 5, 5], w[4, 3, 1, 1])\nreturn y"),
    Case("y = Conv(a[2, 3, 9], w[4, 3, 3]) { pads: [1, 1] }\nreturn y"),
    Case("y = Conv(a[1, 2, 4, 4, 4], w[3, 2, 2, 2, 2])\nreturn y"),
    Case("y = ConvTranspose(a[2, 3, 4, 4], w[3, 2, 3, 3], b[2]) { strides: [2, 2], pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = ms:FusedConv(a[2, 3, 5, 5], w[4, 3, 3, 3], b[4]) { activation: \"Relu\" }\nreturn y"),
    Case("y = MaxPool(a[2, 2, 6, 6]) { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = AveragePool(a[2, 2, 6, 6]) { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }\nreturn y"),
    Case("y = AveragePool(a[2, 2, 5, 5]) { kernel_shape: [2, 2], count_include_pad: 1, pads: [1, 1, 0, 0] }\nreturn y"),
    Case("y = LpPool(a[2, 2, 6, 6]) { kernel_shape: [2, 2], strides: [2, 2] }\nreturn y"),
    Case("y = GlobalLpPool(a[2, 3, 4, 4])\nreturn y"),
    Case("y = GlobalAveragePool(a[2, 3, 4, 4])\nreturn y"), Case("y = GlobalMaxPool(a[2, 3, 4, 4])\nreturn y"),
  ]

  static let normalizationCases: [Case] = [
    Case("y = BatchNormalization(a[4, 3, 2, 2], s[3], b[3], m[3], v[3])\nreturn y", 0.4...2),
    Case("y = LayerNormalization(a[2, 3, 6], s[6], b[6])\nreturn y"),
    Case("y = LayerNormalization(a[2, 3, 6], s[3, 6], b[3, 6]) { axis: 1 }\nreturn y"),
    Case("y = RMSNormalization(a[2, 3, 6], s[6])\nreturn y", opset: 23),
    Case("y = InstanceNormalization(a[2, 3, 4, 4], s[3], b[3])\nreturn y"),
    Case("y = GroupNormalization(a[2, 4, 3, 3], s[4], b[4]) { num_groups: 2 }\nreturn y", opset: 21),
    Case("y = LpNormalization(a[2, 4])\nreturn y"), Case("y = MeanVarianceNormalization(a[2, 3, 4, 4])\nreturn y"),
    Case("y = ms:SkipLayerNormalization(a[2, 3, 6], k[2, 3, 6], s[6], b[6], c[6])\nreturn y"),
    Case("y = ms:SkipSimplifiedLayerNormalization(a[2, 3, 6], k[2, 3, 6], s[6])\nreturn y"),
    Case("y = SimplifiedLayerNormalization(a[2, 3, 6], s[6])\nreturn y"),
    Case("y = ms:SimplifiedLayerNormalization(a[2, 3, 6], s[6])\nreturn y"),
    Case("y = ms:LayerNormalization(a[2, 3, 6], s[6], b[6])\nreturn y"),
    Case("y = LRN(a[2, 5, 3, 3]) { size: 3 }\nreturn y"),
  ]

  static let sequencesCases: [Case] = [
    Case(FusionTests.linear),
    Case(FuseAttentionTests.selfAttention(scale: FuseAttentionTests.byWidth)),
    Case("y = LSTM(x[3, 2, 4], w[1, 12, 4], r[1, 12, 3], b[1, 24]) { hidden_size: 3 }\nreturn y"),
    Case(
      "y, h, c = LSTM(x[3, 2, 4], w[2, 12, 4], r[2, 12, 3], b[2, 24], _, i[2, 2, 3], j[2, 2, 3]) { hidden_size: 3, direction: \"bidirectional\" }\nreturn y, h, c"
    ),
    Case("y = GRU(x[3, 2, 4], w[1, 9, 4], r[1, 9, 3], b[1, 18]) { hidden_size: 3 }\nreturn y"),
    Case("y = GRU(x[3, 2, 4], w[1, 9, 4], r[1, 9, 3], b[1, 18]) { hidden_size: 3, linear_before_reset: 1 }\nreturn y"),
    Case("y = RNN(x[3, 2, 4], w[1, 3, 4], r[1, 3, 3], b[1, 6]) { hidden_size: 3, direction: \"reverse\" }\nreturn y"),
    Case("y = ms:MultiHeadAttention(q[2, 3, 8], k[2, 4, 8], v[2, 4, 8]) { num_heads: 2 }\nreturn y"),
    Case("y = Attention(q[1, 2, 3, 4], k[1, 2, 5, 4], v[1, 2, 5, 4])\nreturn y", opset: 23),
    Case(
      "y = Attention(q[2, 1, 3, 4], k[2, 1, 5, 4], v[2, 1, 5, 4], _, _, _, n<5, 3>) { is_causal: 1, left_window_size: 1 }\nreturn y",
      opset: 25),
    Case("y = RotaryEmbedding(x[1, 2, 3, 4], !c[1, 3, 2], !s[1, 3, 2])\nreturn y", opset: 23),
    Case("y = ms:RotaryEmbedding(x[1, 2, 3, 4], p<1>, !c[5, 2], !s[5, 2])\nreturn y"),
    Case("y = ms:Attention(x[2, 3, 8], w[8, 24], b[24]) { num_heads: 2 }\nreturn y"),
  ]

  static let lossesCases: [Case] = [
    Case("l = SoftmaxCrossEntropyLoss(a[4, 3], i<2, 0, 1, 2>)\nreturn l"),
    Case("l = SoftmaxCrossEntropyLoss(a[4, 3], i<2, 0, 1, 2>, !w[3]+) { ignore_index: 1 }\nreturn l", 0.2...2),
    Case("l = SoftmaxCrossEntropyLoss(a[4, 3], i<2, 0, 1, 2>) { reduction: \"none\" }\nreturn l"),
    Case("p = LogSoftmax(a[4, 3]) { axis: 1 }\nl = NegativeLogLikelihoodLoss(p, i<2, 0, 1, 2>)\nreturn l"),
    Case("l = NegativeLogLikelihoodLoss(a[4, 3], i<2, 0, 1, 2>) { reduction: \"sum\" }\nreturn l"),
  ]

  @Test("losses that files may hold", arguments: lossesCases)
  func losses(_ example: Case) throws { try check(example) }

  @Test("elementwise operators", arguments: elementwiseCases)
  func elementwise(_ example: Case) throws { try check(example) }

  @Test("reductions", arguments: reductionsCases)
  func reductions(_ example: Case) throws { try check(example) }

  @Test("matrix products", arguments: linearCases)
  func linear(_ example: Case) throws { try check(example) }

  @Test("operators that only move elements", arguments: movingCases)
  func moving(_ example: Case) throws { try check(example) }

  @Test("convolution and pooling", arguments: imagesCases)
  func images(_ example: Case) throws { try check(example) }

  @Test("normalization, with running statistics and with those of the batch", arguments: normalizationCases)
  func normalization(_ example: Case) throws {
    try check(example)
    try check(example, normalizesByBatch: true)
  }

  @Test("recurrence and attention", arguments: sequencesCases)
  func sequences(_ example: Case) throws { try check(example) }

  /// Those that no gradient passes: their results are no floating-point numbers, or flat wherever they have a slope.
  private static let flat: Set<String> = [
    "And", "ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Ceil", "Equal", "Floor",
    "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Round", "Sign", "Xor",
  ]

  /// Those that refuse only once their use is known, or share their rule with one that is a case.
  private static let unprobed: Set<String> = ["DecoderMaskedMultiHeadAttention", "NhwcFusedConv", "QAttention"]

  /// The operators of the registry that lead gradients on, by trying all on a node that nothing else is known of.
  private static func differentiable() -> [OperatorName] {
    OperatorRegistry.standard.names.filter { name in
      guard let operation = OperatorRegistry.standard(name) else { return false }
      let values = (0..<8).map { ValueID($0) }
      var next = values.count
      var context = GradientContext(
        shapes: [[Int]?](repeating: nil, count: 8), types: [DataType?](repeating: .float, count: 8), contents: [:],
        wanted: Set(0..<6),
        makeValue: { _ in
          next += 1
          return ValueID(next - 1)
        })
      context.node = Node(
        inputs: Array(values[..<6]), outputs: [values[6]], opType: name.type,
        domain: name.domain.isEmpty ? nil : name.domain)
      context.opset = 17
      context.gradients[6] = values[7]
      do throws(OperatorError) { try operation.differentiate(&context) } catch {
        // Others miss the shapes, or what the node says of itself.
        let refusals = ["\(name.type) has no gradient", "which has no gradient"]
        return !refusals.contains { error.message.hasSuffix($0) }
      }
      return true
    }
  }

  @Test("every differentiable operator of the registry is among the cases")
  func coverage() throws {
    let cases = [
      Self.elementwiseCases, Self.reductionsCases, Self.linearCases, Self.movingCases, Self.imagesCases,
      Self.normalizationCases, Self.sequencesCases, Self.lossesCases,
    ]
    var named: Set<OperatorName> = []
    for example in cases.joined() {
      for node in try GraphText.model(example.text, opset: example.opset).graph.nodes {
        named.insert(OperatorName(node.opType, domain: node.canonicalDomain))
      }
    }
    let exempt = Self.flat.union(Self.unprobed)
    let missing = Self.differentiable().filter { !named.contains($0) && !exempt.contains($0.type) }
    #expect(missing.isEmpty, "no case for \(missing.map { $0.domain.isEmpty ? $0.type : "\($0.domain):\($0.type)" })")
  }

  // MARK: Checking

  private func check(_ example: Case, normalizesByBatch: Bool = false) throws {
    let model = try GraphText.model(example.text, opset: example.opset)
    let options = RuntimeOptions(precision: .double, workers: .one)
    let parameters = try Parameters(of: model, precision: .double) { _ in true }
    var random = Random(seed: 7)
    for parameter in parameters.all {
      for index in 0..<parameter.count { parameters.set(parameter, index, random.next(in: example.range)) }
    }
    let program = try TrainingProgram(
      model, minimizing: .outside(model.graph.outputs.map(\.value)), parameters: parameters, inputShapes: [:],
      normalizesByBatch: normalizesByBatch, options: options)
    let seeds = try program.forward([:]).map { output in
      Tensor(doubles: (0..<output.elementCount).map { _ in random.next(in: -1...1) }, shape: output.shape)
    }
    try program.backward(from: seeds)
    let gradients = parameters.trained.map { program.doubleGradient(of: $0) }
    #expect(gradients.contains { !$0.isEmpty }, "no gradient reaches any weight")
    func objective() throws -> Double {
      let outputs = try program.forward([:])
      return zip(outputs, seeds).reduce(0) { sum, pair in
        sum + zip(pair.0.doubles, pair.1.doubles).reduce(0) { $0 + $1.0 * $1.1 }
      }
    }
    for (parameter, found) in zip(parameters.trained, gradients) {
      // Where no gradient arrives, it counts as zero, and is compared like any other.
      let gradient = found.isEmpty ? [Double](repeating: 0, count: parameter.count) : found
      for index in stride(from: 0, to: parameter.count, by: max(1, parameter.count / 8)) {
        let value = parameters.get(parameter, index)
        let step = 1e-5
        parameters.set(parameter, index, value + step)
        let above = try objective()
        parameters.set(parameter, index, value - step)
        let below = try objective()
        parameters.set(parameter, index, value)
        let expected = (above - below) / (2 * step)
        #expect(
          abs(expected - gradient[index]) <= 1e-6 * max(1, abs(expected)),
          "\(parameter.name)[\(index)]: gradient \(gradient[index]), difference quotient \(expected)")
      }
    }
  }
}

/// A linear congruential generator: the same numbers on every machine.
private struct Random {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(in range: ClosedRange<Double>) -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return range.lowerBound + (range.upperBound - range.lowerBound) * Double(state >> 11) / Double(1 << 53)
  }
}

extension Parameters {
  private func start(_ parameter: Parameter) -> UnsafeMutablePointer<Double>? {
    variables[parameter.value]?.buffer.start.assumingMemoryBound(to: Double.self)
  }

  fileprivate func get(_ parameter: Parameter, _ index: Int) -> Double { start(parameter)?[index] ?? .nan }

  fileprivate func set(_ parameter: Parameter, _ index: Int, _ value: Double) { start(parameter)?[index] = value }
}

extension Tensor {
  fileprivate init(doubles: [Double], shape: [Int]) {
    let region = doubles.withUnsafeBytes { ByteRegion(copying: $0) }
    self.init(dataType: .double, shape: shape, storage: .bytes(region))
  }

  fileprivate var doubles: [Double] {
    contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) } ?? []
  }
}
