import IR
import Kernels

extension Unary {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    if outputType == .bool { return try truthKernel(context, input) }
    if KernelContext.isReal(input.type) {
      guard let map = Self.map(context.node) else {
        throw .unsupported("\(context.node.opType) of floating-point numbers")
      }
      return Self.kernel(map, try context.real(0), context, input.count)
    }
    guard let function = Self.integerFunctions[context.node.opType] else {
      throw .unsupported("\(context.node.opType) of elements of type \(input.type)")
    }
    return Self.integerKernel(function, try KernelContext.integer(input.type), context, input.count)
  }

  private static func kernel<T: Real>(
    _ map: UnaryMap, _: T.Type, _ context: KernelContext, _ count: Int
  ) -> Kernel {
    Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      arguments.workers.forEachRange(of: count, grain: map.grain) { range in
        map(x + range.lowerBound, y + range.lowerBound, count: range.count)
      }
    }
  }

  private static func integerKernel<T: IntegerElement>(
    _ function: IntegerMap.Unary, _: T.Type, _ context: KernelContext, _ count: Int
  ) -> Kernel {
    Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      IntegerMap.apply(function, arguments.input(0, as: T.self), arguments.output(0), count: count)
    }
  }

  private func truthKernel(_ context: KernelContext, _ input: KernelContext.Operand) throws(KernelError) -> Kernel {
    let count = input.count
    if context.node.opType == "Not" {
      guard input.type == .bool else { throw .unsupported("Not of elements of type \(input.type): cast them to bool") }
      return Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
        Comparison.not(arguments.input(0), arguments.output(0), count: count)
      }
    }
    return Self.classification(try context.real(0), context.node, count)
  }

  private static func classification<T: Real>(_: T.Type, _ node: Node, _ count: Int) -> Kernel {
    let isNaN = node.opType == "IsNaN"
    let positive = node.int("detect_positive", default: 1) != 0
    let negative = node.int("detect_negative", default: 1) != 0
    return Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: UInt8.self))
      if isNaN {
        Comparison.isNaN(x, y, count: count)
      } else {
        Comparison.isInfinite(x, y, count: count, positive: positive, negative: negative)
      }
    }
  }

  private static let integerFunctions: [String: IntegerMap.Unary] = [
    "Abs": .abs, "Neg": .neg, "Relu": .relu, "Sign": .sign, "BitwiseNot": .not, "Round": .identity, "Floor": .identity,
    "Ceil": .identity,
  ]

  /// The function of a node with its attributes. That of a gradient is found by the same name.
  static func map(_ node: Node) -> UnaryMap? {
    let alpha = parameters(node).alpha
    let beta = parameters(node).beta
    guard let function = functions[node.opType] else { return nil }
    if node.opType == "Gelu", node.string("approximate") == "tanh" { return UnaryMap(.tanhGelu) }
    return UnaryMap(function, alpha: alpha, beta: beta)
  }

  /// What a node says of its function's shape, or the operator by default.
  static func parameters(_ node: Node) -> (alpha: Double, beta: Double) {
    func number(_ name: String, _ value: Double) -> Double { node.float(name).map(Double.init) ?? value }
    return switch node.opType {
    case "LeakyRelu": (number("alpha", 0.01), 0)
    case "HardSigmoid": (number("alpha", 0.2), number("beta", 0.5))
    case "Selu": (number("alpha", 1.67326319217681884765625), number("gamma", 1.05070102214813232421875))
    case "Shrink": (number("lambd", 0.5), number("bias", 0))
    case "QuickGelu": (number("alpha", 1.702), 0)
    default: (number("alpha", 1), 0)
    }
  }

  private static let functions: [String: UnaryMap.Function] = [
    "Abs": .abs, "Acos": .acos, "Acosh": .acosh, "Asin": .asin, "Asinh": .asinh, "Atan": .atan, "Atanh": .atanh,
    "Ceil": .ceil, "Celu": .celu, "Cos": .cos, "Cosh": .cosh, "Elu": .elu, "Erf": .erf, "Exp": .exp, "Floor": .floor,
    "Gelu": .gelu, "HardSigmoid": .hardSigmoid, "HardSwish": .hardSwish, "LeakyRelu": .leakyRelu, "Log": .log,
    "Mish": .mish, "Neg": .neg, "Reciprocal": .reciprocal, "Relu": .relu, "Round": .round, "Selu": .selu,
    "Shrink": .shrink, "Sigmoid": .sigmoid, "Sign": .sign, "Sin": .sin, "Sinh": .sinh, "Softplus": .softplus,
    "Softsign": .softsign, "Sqrt": .sqrt, "Swish": .swish, "Tan": .tan, "Tanh": .tanh,
    "ThresholdedRelu": .thresholdedRelu,
  ]
}
