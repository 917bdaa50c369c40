import Dimensions
import IR

/// Operators that broadcast their inputs against each other and map the elements.
public struct Binary: Operator {
  /// When the result is zero at a removed index.
  enum Vanishing: Sendable {
    /// All operands must be (sums, differences, extrema).
    case all
    /// One is enough (products).
    case any
    /// The first must be (quotients, powers, slopes).
    case first
    case never

    func combine(_ operands: [Bool]) -> Bool {
      switch self {
      case .all: operands.allSatisfy { $0 }
      case .any: operands.contains(true)
      case .first: operands.first ?? false
      case .never: false
      }
    }
  }

  public let names: [OperatorName]
  let vanishing: Vanishing
  let outputType: DataType?
  let fold: (@Sendable (Element, Element, inout SymbolTable) -> Element)?

  init(
    _ type: String, _ vanishing: Vanishing, outputType: DataType? = nil,
    fold: (@Sendable (Element, Element, inout SymbolTable) -> Element)? = nil
  ) {
    names = [OperatorName(type)]
    self.vanishing = vanishing
    self.outputType = outputType
    self.fold = fold
  }

  public var isShapeArithmetic: Bool { fold != nil }

  public func mixesPrecisions(_ node: Node) -> Bool { node.opType == "Pow" }

  static let all: [any Operator] = [
    Binary("Add", .all, fold: Arithmetic.add),
    Binary("And", .any, outputType: .bool, fold: Arithmetic.compare { $0 != 0 && $1 != 0 }),
    Binary("BitShift", .first),
    Binary("BitwiseAnd", .any),
    Binary("BitwiseOr", .all),
    Binary("BitwiseXor", .all),
    Binary("Div", .first, fold: Arithmetic.divide),
    Binary("Equal", .never, outputType: .bool, fold: Arithmetic.equal),
    Binary("Greater", .never, outputType: .bool, fold: Arithmetic.compare { $0 > $1 }),
    Binary("GreaterOrEqual", .never, outputType: .bool, fold: Arithmetic.compare { $0 >= $1 }),
    Binary("Less", .never, outputType: .bool, fold: Arithmetic.compare { $0 < $1 }),
    Binary("LessOrEqual", .never, outputType: .bool, fold: Arithmetic.compare { $0 <= $1 }),
    Binary("Max", .all, fold: Arithmetic.maximum),
    Binary("Mean", .all),
    Binary("Min", .all, fold: Arithmetic.minimum),
    Binary("Mod", .first, fold: Arithmetic.modulo),
    Binary("Mul", .any, fold: Arithmetic.multiply),
    Binary("Or", .all, outputType: .bool, fold: Arithmetic.compare { $0 != 0 || $1 != 0 }),
    Binary("PRelu", .first),
    Binary("Pow", .first, fold: Arithmetic.power),
    Binary("Sub", .all, fold: Arithmetic.subtract),
    Binary("Sum", .all),
    Binary("Xor", .all, outputType: .bool),
  ]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast(context.node.inputs.indices.map { context.shape($0) })
    context.setOutput(type: outputType ?? context.type(0), shape: shape, contents: contents(&context, shape: shape))
  }

  private func contents(_ context: inout ShapeContext, shape: [Size]?) -> [Element]? {
    // The remainder of C is not worth folding.
    guard let fold, context.node.int("fmod", default: 0) == 0, context.node.inputs.count == 2, let shape,
      let a = context.contents(0), let b = context.contents(1)
    else { return nil }
    guard let count = Size.product(shape)?.known, count <= Arithmetic.elementLimit else { return nil }
    // Shape arithmetic is on scalars and vectors; anything else would need real broadcasting for no use.
    guard a.count == count || a.count == 1, b.count == count || b.count == 1 else { return nil }
    return (0..<count).map { fold(a[a.count == 1 ? 0 : $0], b[b.count == 1 ? 0 : $0], &context.symbols) }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let shape = context.outputShape() else { return context.fixInputs("its output has an unknown rank") }
    var inputs: [[Axis]] = []
    for index in context.node.inputs.indices {
      guard let axes = context.plainInput(index) else { return context.fixInputs("an operand has an unknown rank") }
      inputs.append(axes)
      if context.isWeight(index) { for axis in axes.indices { context.role(index, axis: axis, .rider) } }
    }
    if context.node.opType == "Div" || context.node.opType == "Mod", inputs.count == 2 {
      for axis in inputs[1] where axis.vanishes && !context.size(axis).isOne {
        context.approximate(axis, "\(context.node.opType) divides by it, which zeros would not allow")
      }
    }
    let isPower = context.node.opType == "Pow"
    // Zero to the power of zero is one.
    let exponents = isPower ? context.facts(1).contents : nil
    let keepsZero = !isPower || exponents?.allSatisfy { ($0.double ?? 0) > 0 } ?? false
    let axes = context.broadcast(inputs, shape: shape) { keepsZero && vanishing.combine($0) }
    context.setOutput(axes)
  }
}

/// Arithmetic on the elements of small tensors, symbolic where sizes are.
enum Arithmetic {
  /// Tensors with more elements are data, not shapes.
  static let elementLimit = 4096

  static let add = integers({ a, b, _ in a.plus(b) }, reals: { $0 + $1 })
  static let subtract = integers({ a, b, _ in a.minus(b) }, reals: { $0 - $1 })
  static let multiply = integers({ a, b, _ in a.times(b) }, reals: { $0 * $1 })
  static let divide = integers({ a, b, symbols in symbols.apply(.divide, a, b) }, reals: { $0 / $1 })
  static let modulo = integers({ a, b, symbols in symbols.apply(.modulo, a, b) }, reals: nil)
  static let minimum = integers({ a, b, symbols in symbols.apply(.minimum, a, b) }, reals: { Swift.min($0, $1) })
  static let maximum = integers({ a, b, symbols in symbols.apply(.maximum, a, b) }, reals: { Swift.max($0, $1) })
  static let power = integers({ a, b, _ in b == .known(2) ? a.times(a) : b == .known(1) ? a : nil }, reals: nil)

  /// Sizes of symbols are positive or zero, so a symbol never equals a negative number: `Equal(shape, -1)` is decided.
  static let equal: @Sendable (Element, Element, inout SymbolTable) -> Element = { a, b, _ in
    guard let x = a.size, let y = b.size else {
      if let x = a.double, let y = b.double { return .int(x == y ? 1 : 0) }
      return .unknown
    }
    if x == y { return .int(1) }
    switch (x, y) {
    case (.known, .known): return .int(0)
    case (.known(let number), .polynomial(let terms)), (.polynomial(let terms), .known(let number)):
      return number < 0 && terms.allSatisfy { $0.coefficient > 0 } ? .int(0) : .unknown
    default: return .unknown
    }
  }

  static func compare(
    _ predicate: @escaping @Sendable (Double, Double) -> Bool
  ) -> @Sendable (Element, Element, inout SymbolTable) -> Element {
    { a, b, _ in
      guard let x = a.double, let y = b.double else { return .unknown }
      return .int(predicate(x, y) ? 1 : 0)
    }
  }

  private static func integers(
    _ integers: @escaping @Sendable (Size, Size, inout SymbolTable) -> Size?,
    reals: (@Sendable (Double, Double) -> Double)?
  ) -> @Sendable (Element, Element, inout SymbolTable) -> Element {
    { a, b, symbols in
      if case .int(let x) = a, case .int(let y) = b {
        return integers(x, y, &symbols).map { .int($0) } ?? .unknown
      }
      guard let reals, let x = a.double, let y = b.double else { return .unknown }
      return .real(reals(x, y))
    }
  }
}
