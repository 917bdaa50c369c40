import Dimensions
import IR
import Kernels

extension Unary {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    let type = context.node.opType
    switch type {
    case "Neg": context.accumulate(context.emit(OperatorName("Neg"), g), to: 0)
    case "Exp": context.accumulate(context.emit(OperatorName("Mul"), g, context.node.output(0)), to: 0)
    case "Log": context.accumulate(context.emit(OperatorName("Div"), g, context.node.input(0)), to: 0)
    // Flat wherever they have a slope.
    case "Ceil", "Floor", "Round", "Sign": break
    default:
      guard UnaryGradient.function(type) != nil else { throw OperatorError("\(type) has no gradient") }
      let source = UnaryGradient.readsOutput(type) ? context.node.output(0) : context.node.input(0)
      let gradient = context.emit(.own("\(type)Gradient"), source, g, attributes: context.node.attributes)
      context.accumulate(gradient, to: 0)
    }
  }
}

/// Leads a gradient through a function of one number: inputs are what the function was of, or what it came to where that
/// is enough, and the gradient that reached its output.
public struct UnaryGradient: OwnOperator {
  public let names: [OperatorName]

  public init() { names = Self.functions.keys.sorted().map { .own("\($0)Gradient") } }

  /// Whether the gradient of an operator is computed from its output, so that its input need not be kept.
  static func readsOutput(_ type: String) -> Bool {
    ["Relu", "Sigmoid", "Tanh", "Sqrt", "Reciprocal"].contains(type)
  }

  static func function(_ type: String) -> BinaryMap.Function? { functions[type] }

  private static let functions: [String: BinaryMap.Function] = [
    "Abs": .absGradient, "Acos": .acosGradient, "Acosh": .acoshGradient, "Asin": .asinGradient,
    "Asinh": .asinhGradient, "Atan": .atanGradient, "Atanh": .atanhGradient, "Celu": .celuGradient,
    "Cos": .cosGradient, "Cosh": .coshGradient, "Elu": .eluGradient, "Erf": .erfGradient, "Gelu": .geluGradient,
    "HardSigmoid": .hardSigmoidGradient, "HardSwish": .hardSwishGradient, "LeakyRelu": .leakyReluGradient,
    "Mish": .mishGradient, "QuickGelu": .swishGradient, "Reciprocal": .reciprocalGradientOfOutput,
    "Relu": .reluGradientOfOutput, "Selu": .seluGradient, "Shrink": .shrinkGradient,
    "Sigmoid": .sigmoidGradientOfOutput, "Sin": .sinGradient, "Sinh": .sinhGradient, "Softplus": .softplusGradient,
    "Softsign": .softsignGradient, "Sqrt": .sqrtGradientOfOutput, "Swish": .swishGradient, "Tan": .tanGradient,
    "Tanh": .tanhGradientOfOutput, "ThresholdedRelu": .thresholdedReluGradient,
  ]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(1), shape: context.shape(1))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    var node = context.node
    node.opType = String(node.opType.dropLast("Gradient".count))
    guard var function = Self.functions[node.opType] else { throw .unsupported(context.node.opType) }
    if node.opType == "Gelu", node.string("approximate") == "tanh" { function = .tanhGeluGradient }
    let (alpha, beta) = Unary.parameters(node)
    let map = BinaryMap(function, alpha: alpha, beta: beta)
    let (real, shape) = (try context.real(0), try context.output().shape)
    return try Binary.kernel(map, real, context, operands: 2, shape: shape)
  }
}
