import IR

/// What an operator sees while a graph is differentiated: its node, the gradients that reach its outputs, and the graph
/// it adds nodes to.
///
/// Reverse-mode differentiation is a rewriting of the graph: rules add nodes, of ONNX's operators or of Coppice's own
/// (``OperatorName/own(_:)``), and the planner treats the result like any other graph. What backward needs of forward is
/// thereby just what added nodes read.
public struct GradientContext {
  public var node: Node
  /// Version of the operator set of the node's domain.
  public var opset: Int64
  /// Shapes by ``ValueID/index``; `nil` where one is not known before the model runs.
  public var shapes: [[Int]?]
  public var types: [DataType?]
  /// Integers known before the model runs, by ``ValueID/index``.
  public var contents: [Int: [Int]]
  /// Gradients that have reached values so far.
  public var gradients: [Int: ValueID]
  /// The values something asked for depends on.
  public var wanted: Set<Int>
  public var emitted: [Node] = []
  public var constants: [Initializer] = []
  private let makeValue: (_ name: String) -> ValueID

  public init(
    shapes: [[Int]?], types: [DataType?], contents: [Int: [Int]], wanted: Set<Int>,
    makeValue: @escaping (_ name: String) -> ValueID
  ) {
    node = Node(inputs: [], outputs: [], opType: "")
    opset = 0
    self.shapes = shapes
    self.types = types
    self.contents = contents
    self.wanted = wanted
    gradients = [:]
    self.makeValue = makeValue
  }

  // MARK: What the node is

  public func has(_ input: Int) -> Bool { node.input(input) != nil }

  /// Whether a gradient towards this input is asked for.
  public func wants(_ input: Int) -> Bool { node.input(input).map { wanted.contains($0.index) } ?? false }

  /// The gradient that reaches an output; `nil` where nothing asked for depends on it, which counts as zero.
  public func gradient(_ output: Int = 0) -> ValueID? { node.output(output).flatMap { gradients[$0.index] } }

  public func shape(_ input: Int) throws(OperatorError) -> [Int] {
    guard let value = node.input(input), let shape = shapes[value.index] else {
      throw OperatorError("input \(input) has a shape that is not known before the model runs")
    }
    return shape
  }

  public func outputShape(_ output: Int = 0) throws(OperatorError) -> [Int] {
    guard let value = node.output(output), let shape = shapes[value.index] else {
      throw OperatorError("output \(output) has a shape that is not known before the model runs")
    }
    return shape
  }

  public func type(_ input: Int) -> DataType? { node.input(input).flatMap { types[$0.index] } }

  /// The contents of an integer input, `nil` where it is left out.
  public func ints(_ input: Int) throws(OperatorError) -> [Int]? {
    guard let value = node.input(input) else { return nil }
    guard let ints = contents[value.index] else {
      throw OperatorError("input \(input) has contents that are not known before the model runs")
    }
    return ints
  }

  // MARK: What is added

  /// Adds a node of one output.
  public mutating func emit(
    _ name: OperatorName, _ inputs: ValueID?..., attributes: [Attribute] = []
  ) -> ValueID {
    emit(name, inputs, outputs: 1, attributes: attributes)[0]
  }

  /// Adds a node. The shapes of its outputs are inferred later, like those of any node.
  public mutating func emit(
    _ name: OperatorName, _ inputs: [ValueID?], outputs: Int, attributes: [Attribute] = []
  ) -> [ValueID] {
    let values = (0..<outputs).map { _ in addValue("gradient/\(name.type)") }
    emitted.append(
      Node(
        inputs: inputs, outputs: values, opType: name.type, domain: name.domain.isEmpty ? nil : name.domain,
        attributes: attributes))
    return values
  }

  /// Adds a constant of the type `value` has.
  public mutating func scalar(_ number: Double) -> ValueID {
    let value = addValue("gradient/constant")
    let region = withUnsafeBytes(of: Float(number)) { ByteRegion(copying: $0) }
    constants.append(Initializer(value: value, tensor: Tensor(dataType: .float, shape: [], storage: .bytes(region))))
    return value
  }

  /// Adds a constant vector of `int64`, as shapes and axes are.
  public mutating func vector(_ numbers: [Int]) -> ValueID {
    let value = addValue("gradient/constant")
    constants.append(Initializer(value: value, tensor: Tensor(ints: numbers, .int64)))
    return value
  }

  /// Adds a gradient to what has reached an input so far. It must have the input's shape.
  public mutating func accumulate(_ gradient: ValueID, to input: Int) {
    guard let value = node.input(input), wanted.contains(value.index) else { return }
    guard let before = gradients[value.index] else {
      gradients[value.index] = gradient
      return
    }
    gradients[value.index] = emit(OperatorName("Add"), before, gradient)
  }

  /// The same for a gradient of the broadcast shape: sums over the axes along which the input was repeated.
  public mutating func accumulate(
    broadcast gradient: ValueID, of shape: [Int], to input: Int
  ) throws(OperatorError) {
    let target = try self.shape(input)
    accumulate(target == shape ? gradient : emit(.own("SumTo"), gradient, vector(target)), to: input)
  }

  private mutating func addValue(_ name: String) -> ValueID {
    let value = makeValue(name)
    while shapes.count <= value.index { shapes.append(nil) }
    while types.count <= value.index { types.append(nil) }
    return value
  }
}
