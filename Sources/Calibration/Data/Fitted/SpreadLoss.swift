import IR

/// How far what convolutions make is from what they made in training, as far as the network remembers.
///
/// With mean m and deviation s = √(var + ε) of each channel c of what a convolution makes, before any activation, over
/// all samples and places, and μ and σ what the batch normalization behind it holds of them:
///
///     L = mean over layers of ( mean_c ln(1 + ((m − μ)/σ)²) + mean_c (ln(s/σ))² )
///
/// (after Yin et al., "Dreaming to distill", CVPR 2020). A convolution with a bias that a normalization was folded into
/// remembers only this: channels were centred nearly, as the bias stands for the normalization's shift, and those of a
/// layer spread about alike, as scales of one network differ little in a layer. Its term is
///
///     mean_c ln(1 + (m/s)²) + 0.3 · var_c(ln s)
///
/// The logarithm keeps the few channels with a large shift from deciding alone.
struct SpreadLoss: Sendable {
  /// Computes the loss from pictures; it is its only output.
  let model: Model
  let loss: ValueID
  let input: ValueID
  let inputName: String
  /// That the input is declared with.
  private let inputType: DataType

  /// A convolution whose output is looked at.
  struct Layer: Sendable, Equatable {
    let output: ValueID
    /// Number of axes of what it makes.
    let rank: Int
    /// What its numbers are stored in.
    let type: DataType
    /// What the batch normalization behind it holds.
    var statistics: Statistics?
  }

  /// Of each channel, in training.
  struct Statistics: Sendable, Equatable {
    let means: [Float]
    /// With what the normalization adds to them.
    let variances: [Float]
  }

  /// What the spread of deviations in a layer counts beside its means.
  static let spreadWeight: Float = 0.3
  static let epsilon: Float = 1e-8
  /// Before this operator set operands were not stretched to each other's shape.
  static let leastOpset: Int64 = 7

  /// - Parameters:
  ///   - layers: of the model; at least one.
  ///   - input: of the model, the pictures.
  init(_ model: Model, _ layers: [Layer], input: ValueID, type: DataType) {
    var nodes = LossNodes(model)
    let terms = layers.map { Self.term($0, &nodes) }
    let sum = terms.dropFirst().reduce(terms.first ?? nodes.number(0)) { nodes.add("Add", [$0, $1]) }
    loss = nodes.add("Mul", [sum, nodes.number(1 / Float(max(1, layers.count)))])
    var part = nodes.model.segment(from: [input], to: [loss])
    // However many pictures the model takes at once: what follows its convolutions is not here.
    let open = ValueType(tensor: TensorType(elementType: type.rawValue, shape: nil))
    part.graph.inputs = [ValueInfo(value: input, type: open)]
    self.model = part
    self.input = input
    inputName = model.name(of: input)
    inputType = type
  }

  private static func term(_ layer: Layer, _ nodes: inout LossNodes) -> ValueID {
    var made = layer.output
    if layer.type != .float {
      made = nodes.add("Cast", [made], [Attribute(name: "to", value: .int(Int64(DataType.float.rawValue)))])
    }
    let axes = [0] + Array(2..<max(2, layer.rank))
    let mean = nodes.mean(made, over: axes)
    let distance = nodes.add("Sub", [made, mean])
    let variance = nodes.mean(nodes.add("Mul", [distance, distance]), over: axes)
    let square = nodes.add("Add", [variance, nodes.number(epsilon)])
    if let statistics = layer.statistics {
      return term(mean, square, statistics, rank: layer.rank, &nodes)
    }
    return term(mean, square, rank: layer.rank, &nodes)
  }

  /// mean_c ln(1 + m²/s²) + w·var_c(½·ln s²).
  private static func term(_ mean: ValueID, _ square: ValueID, rank: Int, _ nodes: inout LossNodes) -> ValueID {
    let shift = shift(mean, square, &nodes)
    let logarithm = nodes.add("Log", [square])
    let deviation = nodes.add("Sub", [logarithm, nodes.mean(logarithm, over: Array(0..<rank))])
    let spread = nodes.mean(nodes.add("Mul", [deviation, deviation]))
    // ln s is half the logarithm of s², and its variance a quarter.
    return nodes.add("Add", [shift, nodes.add("Mul", [spread, nodes.number(spreadWeight / 4)])])
  }

  /// mean_c ln(1 + (m − μ)²/σ²) + mean_c (½·ln(s²/σ²))².
  private static func term(
    _ mean: ValueID, _ square: ValueID, _ statistics: Statistics, rank: Int, _ nodes: inout LossNodes
  ) -> ValueID {
    let expected = nodes.channels(statistics.variances, rank: rank)
    let shift = shift(nodes.add("Sub", [mean, nodes.channels(statistics.means, rank: rank)]), expected, &nodes)
    let logarithm = nodes.add("Log", [nodes.add("Div", [square, expected])])
    let spread = nodes.mean(nodes.add("Mul", [logarithm, logarithm]))
    return nodes.add("Add", [shift, nodes.add("Mul", [spread, nodes.number(0.25)])])
  }

  /// mean_c ln(1 + d²/s²).
  private static func shift(_ distance: ValueID, _ square: ValueID, _ nodes: inout LossNodes) -> ValueID {
    let ratio = nodes.add("Div", [nodes.add("Mul", [distance, distance]), square])
    return nodes.mean(nodes.add("Log", [nodes.add("Add", [ratio, nodes.number(1)])]))
  }

  /// The same where the pictures are an initializer, towards which can be differentiated.
  /// - Parameter shape: of all pictures.
  func holdingPictures(_ shape: [Int]) -> Model {
    var model = model
    let count = inputType.byteCount(elements: shape.reduce(1, *)) ?? 0
    let zeros = ByteRegion(copying: [UInt8](repeating: 0, count: count))
    model.graph.inputs = []
    model.graph.initializers.append(
      Initializer(
        value: input,
        tensor: Tensor(name: inputName, dataType: inputType, shape: shape, storage: .bytes(zeros))))
    return model
  }
}

extension SpreadLoss {
  /// The convolutions of a model's main graph that see the pictures, and have a bias or a normalization behind them.
  static func layers(of model: Model, behind input: ValueID) -> [Layer] {
    guard let order = try? model.graph.topologicalOrder() else { return [] }
    let uses = OperandUses(model.withoutInitializersAmongInputs)
    var seeing: Set<ValueID> = [input]
    var layers: [Layer] = []
    for index in order {
      let node = model.graph.nodes[index]
      guard node.reads.contains(where: seeing.contains) else { continue }
      for case let output? in node.outputs { seeing.insert(output) }
      guard node.opType == "Conv", node.canonicalDomain.isEmpty, let output = node.output(0),
        let weight = node.input(1).flatMap({ uses.constants[$0] }), weight.dataType.isFloatingPoint,
        weight.shape.count > 2
      else { continue }
      let statistics = uses.onlyReader(of: index).flatMap { uses.statistics(of: $0, channels: weight.shape[0]) }
      guard statistics != nil || node.input(2) != nil else { continue }
      layers.append(Layer(output: output, rank: weight.shape.count, type: weight.dataType, statistics: statistics))
    }
    return layers
  }
}

extension Model {
  /// Up to version 3 of the format, initializers are among the inputs; samples are made for none of these.
  fileprivate var withoutInitializersAmongInputs: Model {
    var model = self
    let initializers = Set(graph.initializers.map(\.value))
    model.graph.inputs.removeAll { initializers.contains($0.value) }
    return model
  }
}

extension OperandUses {
  /// What a batch normalization holds; `nil` for other nodes.
  fileprivate func statistics(of index: Int, channels: Int) -> SpreadLoss.Statistics? {
    guard isNormalization(index), let means = floats(of: index, input: 3),
      let variances = floats(of: index, input: 4), means.count == channels, variances.count == channels
    else { return nil }
    let epsilon = Float(node(index).float("epsilon") ?? 1e-5)
    let widened = variances.map { $0 + epsilon }
    return widened.allSatisfy { $0 > 0 && $0.isFinite } ? .init(means: means, variances: widened) : nil
  }

  private func floats(of index: Int, input: Int) -> [Float]? {
    node(index).input(input).flatMap { constants[$0] }?.floats()
  }
}

/// Adds the nodes of a loss to a graph.
private struct LossNodes {
  private(set) var model: Model
  private var taken: Set<String>
  private let takesAxesAsInput: Bool

  init(_ model: Model) {
    self.model = model
    taken = Set(model.valueNames)
    takesAxesAsInput = model.opset("") ?? 1 >= 18
  }

  mutating func add(_ type: String, _ inputs: [ValueID], _ attributes: [Attribute] = []) -> ValueID {
    let result = value(type)
    model.graph.nodes.append(Node(inputs: inputs, outputs: [result], opType: type, attributes: attributes))
    return result
  }

  mutating func number(_ number: Float) -> ValueID { constant(Tensor(floats: [number], shape: [])) }

  /// The mean over all elements, a single number.
  mutating func mean(_ value: ValueID) -> ValueID {
    add("ReduceMean", [value], [Attribute(name: "keepdims", value: .int(0))])
  }

  /// The mean over some axes, which stay with one element each.
  mutating func mean(_ value: ValueID, over axes: [Int]) -> ValueID {
    let axes = axes.map { Int64($0) }
    if takesAxesAsInput { return add("ReduceMean", [value, constant(Tensor(int64s: axes))]) }
    return add("ReduceMean", [value], [Attribute(name: "axes", value: .ints(axes))])
  }

  /// A number for each channel, to be held against what has `rank` axes.
  mutating func channels(_ numbers: [Float], rank: Int) -> ValueID {
    constant(Tensor(floats: numbers, shape: [1, numbers.count] + [Int](repeating: 1, count: max(0, rank - 2))))
  }

  private mutating func constant(_ tensor: Tensor) -> ValueID {
    add("Constant", [], [Attribute(name: "value", value: .tensor(tensor))])
  }

  private mutating func value(_ type: String) -> ValueID {
    var name = "spread/\(type)/\(model.valueNames.count)"
    while !taken.insert(name).inserted { name += "'" }
    return model.addValue(named: name)
  }
}
