import Dimensions
import IR

/// Operators that map every element by itself: activations, roots, trigonometry, logic.
public struct Unary: Operator {
  public let names: [OperatorName]
  /// Whether the function of zero is zero, so that removed channels stay silent.
  let keepsZero: Bool
  /// The output's type where it is not the input's.
  let outputType: DataType?
  /// What the function does to an element of shape arithmetic.
  let fold: (@Sendable (Element) -> Element)?

  init(
    _ type: String, keepsZero: Bool, outputType: DataType? = nil, contrib: Bool = false,
    fold: (@Sendable (Element) -> Element)? = nil
  ) {
    names = [OperatorName(type)] + (contrib ? [.microsoft(type)] : [])
    self.keepsZero = keepsZero
    self.outputType = outputType
    self.fold = fold
  }

  public var isShapeArithmetic: Bool { fold != nil }

  static let all: [any Operator] = [
    Unary("Abs", keepsZero: true, fold: Self.real(Swift.abs)),
    Unary("Acos", keepsZero: false), Unary("Acosh", keepsZero: false), Unary("Asin", keepsZero: true),
    Unary("Asinh", keepsZero: true), Unary("Atan", keepsZero: true), Unary("Atanh", keepsZero: true),
    Unary("BitwiseNot", keepsZero: false),
    Unary("Ceil", keepsZero: true, fold: Self.real { $0.rounded(.up) }),
    Unary("Celu", keepsZero: true), Unary("Cos", keepsZero: false), Unary("Cosh", keepsZero: false),
    Unary("Elu", keepsZero: true), Unary("Erf", keepsZero: true), Unary("Exp", keepsZero: false),
    Unary("Floor", keepsZero: true, fold: Self.real { $0.rounded(.down) }),
    Unary("Gelu", keepsZero: true), Unary("HardSigmoid", keepsZero: false), Unary("HardSwish", keepsZero: true),
    Unary("IsInf", keepsZero: true, outputType: .bool), Unary("IsNaN", keepsZero: true, outputType: .bool),
    Unary("LeakyRelu", keepsZero: true), Unary("Log", keepsZero: false), Unary("Mish", keepsZero: true),
    Unary("Neg", keepsZero: true, fold: Self.negate),
    Unary("Not", keepsZero: false, outputType: .bool, fold: Self.not),
    Unary("Reciprocal", keepsZero: false), Unary("Relu", keepsZero: true),
    Unary("Round", keepsZero: true, fold: Self.real { $0.rounded(.toNearestOrEven) }),
    Unary("Selu", keepsZero: true), Unary("Shrink", keepsZero: true), Unary("Sigmoid", keepsZero: false),
    Unary("Sign", keepsZero: true), Unary("Sin", keepsZero: true), Unary("Sinh", keepsZero: true),
    Unary("Softplus", keepsZero: false), Unary("Softsign", keepsZero: true),
    Unary("Sqrt", keepsZero: true, fold: Self.real { $0.squareRoot() }),
    Unary("Swish", keepsZero: true), Unary("Tan", keepsZero: true), Unary("Tanh", keepsZero: true),
    Unary("ThresholdedRelu", keepsZero: true),
  ]

  private static func real(_ function: @escaping @Sendable (Double) -> Double) -> @Sendable (Element) -> Element {
    { element in
      switch element {
      case .real(let value): .real(function(value))
      case .int(.known(let value)):
        Int(exactly: function(Double(value))).map { .int($0) } ?? .unknown
      default: .unknown
      }
    }
  }

  private static let negate: @Sendable (Element) -> Element = { element in
    switch element {
    case .int(let size): size.times(.known(-1)).map { .int($0) } ?? .unknown
    case .real(let value): .real(-value)
    case .unknown: .unknown
    }
  }

  private static let not: @Sendable (Element) -> Element = { element in
    if case .int(.known(let value)) = element { .int(value == 0 ? 1 : 0) } else { .unknown }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(
      type: outputType ?? context.type(0), shape: context.shape(0),
      contents: fold.flatMap { context.contents(0)?.map($0) })
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.plainInput(0) else { return }
    if context.node.opType == "Reciprocal" || context.node.opType == "Log" {
      for axis in axes where axis.vanishes && !context.size(axis).isOne {
        context.approximate(axis, "\(context.node.opType) of zero is infinite")
      }
    }
    // A negative threshold of Shrink shifts zero.
    let keepsZero = keepsZero && (context.node.opType != "Shrink" || (context.node.float("lambd") ?? 0.5) >= 0)
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }
}
