import Analysis
import IR
import Operators

/// A node, or a chain of nodes, that computes y = γ·x/√(mean(x²) + ε).
struct RootMeanSquareNorm {
  /// Where ε is.
  enum Epsilon {
    case attribute(node: Int, value: Double)
    case constant(node: Int, input: Int, Tensor)
  }

  /// A constant at an input of a node.
  struct Constant {
    let node: Int
    let input: Int
    let tensor: Tensor
  }

  /// The value that tells the norm apart from others, in every model that has it.
  let output: ValueID
  /// What the node is called in messages.
  let label: String
  /// A value with all axes of what is normalized, in their order.
  let input: ValueID
  let operand: Operand
  /// The axes of `input` the mean is over.
  let axes: Axes
  let epsilon: Epsilon
  /// γ, or why it cannot be changed.
  let scale: Scale

  typealias Scale = Result<Constant, Unscaled>

  /// What the mean is taken of.
  enum Operand {
    /// The squares of a value.
    case value(ValueID)
    /// A value that holds squares already.
    case squares(ValueID)
    /// The squares of a sum that a node makes itself, and gives as its fourth output where that is asked for.
    case sum(node: Int)
  }

  enum Axes {
    case listed([Int])
    case from(Int)
    case all

    /// - Returns: axes as they are counted from the first.
    func indices(rank: Int) -> [Int] {
      func index(_ axis: Int) -> Int { axis < 0 ? axis + rank : axis }
      switch self {
      case .listed(let axes): return axes.map(index).filter { $0 >= 0 && $0 < rank }
      case .from(let first): return Array(max(0, min(rank, index(first)))..<rank)
      case .all: return Array(0..<rank)
      }
    }
  }

  /// Why γ cannot be changed.
  enum Unscaled: String, Error {
    case missing = "nothing scales what it makes, or other nodes read it before"
    case computed = "its scale is no constant"
  }
}

/// Finds the root mean square norms of a model's own graph.
struct RootMeanSquareNormFinder {
  private let model: Model
  private let uses: OperandUses

  init(_ model: Model) {
    self.model = model
    uses = OperandUses(model)
  }

  /// In the order of their nodes.
  var norms: [RootMeanSquareNorm] { model.graph.nodes.indices.compactMap { fused($0) ?? decomposed($0) } }

  private func node(_ index: Int) -> Node { model.graph.nodes[index] }

  // MARK: Constants

  /// The value a chain of `Identity` gives another name.
  private func source(_ value: ValueID?, through types: Set<String> = ["Identity"]) -> ValueID? {
    var value = value
    while let current = value, uses.constants[current] == nil, let producer = uses.producers[current],
      types.contains(node(producer).opType), node(producer).canonicalDomain.isEmpty
    {
      value = node(producer).input(0)
    }
    return value
  }

  private func constant(_ index: Int, _ input: Int) -> RootMeanSquareNorm.Constant? {
    guard let value = source(node(index).input(input)), let tensor = uses.constants[value] ?? scalar(value) else {
      return nil
    }
    return RootMeanSquareNorm.Constant(node: index, input: input, tensor: tensor)
  }

  /// What a `Constant` node holds that spells its number as an attribute of its own.
  private func scalar(_ value: ValueID) -> Tensor? {
    guard let producer = uses.producers[value], node(producer).opType == "Constant",
      let number = node(producer).float("value_float")
    else { return nil }
    return Tensor(floats: [number], shape: [])
  }

  /// The number at an input that is a constant of one element.
  private func number(_ index: Int, _ input: Int) -> Double? {
    guard let tensor = constant(index, input)?.tensor, tensor.elementCount == 1 else { return nil }
    return tensor.doubles()?.first
  }

  // MARK: One node

  private func fused(_ index: Int) -> RootMeanSquareNorm? {
    let node = node(index)
    let isSkip = node.opType == "SkipSimplifiedLayerNormalization" && node.canonicalDomain == "com.microsoft"
    let isPlain =
      (node.opType == "RMSNormalization" && node.canonicalDomain.isEmpty)
      || (node.opType == "SimplifiedLayerNormalization" && ["", "com.microsoft"].contains(node.canonicalDomain))
    guard isSkip || isPlain, let output = node.output(0), let input = node.input(0) else { return nil }
    let usual: Float = isSkip ? 1e-12 : 1e-5
    return RootMeanSquareNorm(
      output: output, label: node.label(in: model), input: input,
      operand: isSkip ? .sum(node: index) : .value(input),
      axes: .from(isSkip ? -1 : Int(node.int("axis", default: -1))),
      epsilon: .attribute(node: index, value: Double(node.float("epsilon") ?? usual)),
      scale: scale(index, input: isSkip ? 2 : 1))
  }

  private func scale(_ index: Int, input: Int) -> RootMeanSquareNorm.Scale {
    if let constant = constant(index, input) { return .success(constant) }
    return .failure(node(index).input(input) == nil ? .missing : .computed)
  }

  // MARK: Several nodes

  /// - Parameter index: of the node that takes the mean.
  private func decomposed(_ index: Int) -> RootMeanSquareNorm? {
    let mean = node(index)
    guard mean.opType == "ReduceMean", mean.canonicalDomain.isEmpty, mean.int("keepdims", default: 1) != 0,
      let output = mean.output(0), let input = mean.input(0), squares(input), let axes = axes(index),
      let (sum, epsilon) = shifted(index), let normalized = normalized(from: sum)
    else { return nil }
    return RootMeanSquareNorm(
      output: output, label: mean.label(in: model), input: input, operand: .squares(input), axes: axes,
      epsilon: .constant(node: sum, input: epsilon.input, epsilon.tensor), scale: scale(of: normalized))
  }

  private func axes(_ index: Int) -> RootMeanSquareNorm.Axes? {
    let mean = node(index)
    let given: [Int]
    if mean.input(1) != nil {
      guard let axes = constant(index, 1)?.tensor.integers() else { return nil }
      given = axes
    } else {
      given = (mean.ints("axes") ?? []).map { Int($0) }
    }
    guard given.isEmpty else { return .listed(given) }
    return mean.int("noop_with_empty_axes", default: 0) != 0 ? nil : .all
  }

  /// Whether a value holds squares, but not of what was moved by its mean: that would be a variance.
  private func squares(_ value: ValueID) -> Bool {
    guard let producer = source(value, through: ["Identity", "Cast"]).flatMap({ uses.producers[$0] }) else {
      return false
    }
    let square = node(producer)
    guard square.canonicalDomain.isEmpty, square.inputs.count == 2 else { return false }
    switch square.opType {
    case "Pow": guard number(producer, 1) == 2 else { return false }
    case "Mul": guard square.input(0) == square.input(1) else { return false }
    default: return false
    }
    guard let operand = source(square.input(0), through: ["Identity", "Cast"]).flatMap({ uses.producers[$0] }),
      node(operand).opType == "Sub",
      let subtrahend = source(node(operand).input(1), through: ["Identity", "Cast"]).flatMap({ uses.producers[$0] })
    else { return true }
    return node(subtrahend).opType != "ReduceMean"
  }

  /// The node that adds ε to a mean.
  private func shifted(_ index: Int) -> (node: Int, epsilon: RootMeanSquareNorm.Constant)? {
    var index = index
    while let reader = uses.onlyReader(of: index) {
      let next = node(reader)
      guard next.canonicalDomain.isEmpty else { return nil }
      if next.opType == "Add", next.inputs.count == 2 {
        let input = next.input(0) == node(index).output(0) ? 1 : 0
        guard let epsilon = constant(reader, input), epsilon.tensor.elementCount == 1,
          epsilon.tensor.dataType.isFloatingPoint
        else { return nil }
        return (reader, epsilon)
      }
      guard ["Cast", "Identity"].contains(next.opType) else { return nil }
      index = reader
    }
    return nil
  }

  /// The node that multiplies by the power −1/2 of what a node makes, or divides by its root.
  private func normalized(from index: Int) -> Int? {
    var index = index
    var exponent = 1.0
    while let reader = uses.onlyReader(of: index) {
      let next = node(reader)
      guard next.canonicalDomain.isEmpty else { return nil }
      let isFirst = next.input(0) == node(index).output(0)
      switch next.opType {
      case "Cast", "Identity": break
      case "Sqrt": exponent /= 2
      case "Reciprocal": exponent = -exponent
      case "Pow":
        guard isFirst, let power = number(reader, 1) else { return nil }
        exponent *= power
      case "Div":
        guard !isFirst else { return nil }
        guard number(reader, 0) != nil else { return exponent == 0.5 ? reader : nil }
        exponent = -exponent
      case "Mul": return exponent == -0.5 ? reader : nil
      default: return nil
      }
      index = reader
    }
    return nil
  }

  /// The constant that a node multiplies by, or the one that alone reads what it makes.
  private func scale(of index: Int) -> RootMeanSquareNorm.Scale {
    if let constant = factor(index) { return .success(constant) }
    var index = index
    while let reader = uses.onlyReader(of: index), node(reader).canonicalDomain.isEmpty {
      switch node(reader).opType {
      case "Cast", "Identity": index = reader
      case "Mul":
        guard let constant = factor(reader) else { return .failure(.computed) }
        return .success(constant)
      default: return .failure(.missing)
      }
    }
    return .failure(.missing)
  }

  private func factor(_ index: Int) -> RootMeanSquareNorm.Constant? {
    guard node(index).opType == "Mul", node(index).inputs.count == 2 else { return nil }
    return constant(index, 0) ?? constant(index, 1)
  }
}
