import Dimensions
import IR

/// One axis of one value.
public struct Axis: Sendable {
  public var dimension: DimensionID
  /// Whether the value is zero at an index of this axis once everything coupled to that index has been zeroed. Where
  /// such an axis is summed over, removing the index changes nothing.
  public var vanishes: Bool

  public init(_ dimension: DimensionID, vanishes: Bool) {
    self.dimension = dimension
    self.vanishes = vanishes
  }
}

/// What a weight's axis does, for criteria.
public enum Role: Sendable, Hashable {
  /// Rows that make a channel.
  case producer
  /// A number or vector per channel that rides along: a scale, a slope, a running mean.
  case rider
  /// Columns that read a channel.
  case consumer
}

/// What an operator says of a dimension, from which the kind of a group is told.
public enum Evidence: UInt8, Sendable, Hashable {
  case convolutionChannel
  /// Read or written by a convolution that mixes or slides over neighbouring positions (not a patch embedding).
  case spatialConvolution
  case depthwise
  case convolutionGroup
  case denseOutput
  case denseInput
  case attentionBatch
  case attentionContraction
  case attentionValueWidth
  case repeatedHeads
  case normalizedWidth
  case embeddingTable
  case recurrentHidden
  case batchNormScale
  case expert
}

/// What an operator sees while axes are related: the axes of its inputs, the facts of all values, the dimension table.
public struct AxisContext {
  public var node: Node
  /// The driver's number of the node, which causes and remarks refer to.
  public var nodeIndex: Int
  public var opset: Int64
  /// An earlier node that is to blame for what cannot be told here.
  public var blamed: Int?
  public let facts: [Facts]
  public var dimensions: DimensionTable
  /// By ``ValueID/index``; `nil` for values not related yet or of unknown rank.
  public var axes: [[Axis]?]
  /// For small integer tensors: the dimension each element is the size of, by ``ValueID/index``.
  public var sizeTerms: [[DimensionID?]?]
  public var approximations: [(dimension: DimensionID, cause: Cause)] = []
  public var evidence: [(dimension: DimensionID, evidence: Evidence)] = []
  public var roles: [(value: ValueID, axis: Int, node: Int, role: Role)] = []
  /// Constants with at most one axis longer than one that several nodes use: each use has axes of its own, because
  /// exporters merge equal vectors that have nothing to do with each other.
  public var sharedVectors: Set<ValueID> = []
  public var useAxes: [VectorUse: [Axis]] = [:]
  /// Dimensions operators want to know the kept size of when they adapt their node: groups, heads, hidden sizes.
  public var remembered: [Memory: DimensionID] = [:]

  public struct Memory: Hashable, Sendable {
    public let node: Int
    public let key: String

    public init(node: Int, key: String) {
      self.node = node
      self.key = key
    }
  }

  /// One use of a shared vector.
  public struct VectorUse: Hashable, Sendable {
    public let node: Int
    public let input: Int

    public init(node: Int, input: Int) {
      self.node = node
      self.input = input
    }

    /// The use of `value` at an input. A node that reads it at several uses it once: plans name uses by their nodes.
    public init(of value: ValueID, by reader: Node, at node: Int, input: Int) {
      self.init(node: node, input: reader.inputs.firstIndex(of: value) ?? input)
    }
  }

  public init(facts: [Facts]) {
    node = Node(inputs: [], outputs: [], opType: "")
    nodeIndex = 0
    opset = 0
    self.facts = facts
    dimensions = DimensionTable()
    axes = Array(repeating: nil, count: facts.count)
    sizeTerms = Array(repeating: nil, count: facts.count)
  }

  // MARK: Inputs

  public func has(_ input: Int) -> Bool { node.input(input) != nil }

  public func facts(_ input: Int) -> Facts { node.input(input).map { facts[$0.index] } ?? .unknown }

  public func shape(_ input: Int) -> [Size]? { facts(input).shape }

  public func outputFacts(_ output: Int = 0) -> Facts { node.output(output).map { facts[$0.index] } ?? .unknown }

  public func outputShape(_ output: Int = 0) -> [Size]? { outputFacts(output).shape }

  public func ints(input: Int, orAttribute name: String) -> [Int]? {
    if has(input) { return facts(input).knownInts }
    return node.ints(name)?.map(Int.init)
  }

  /// The axes of an input; `nil` where it is left out or its rank is unknown.
  public mutating func input(_ index: Int) -> [Axis]? {
    guard let value = node.input(index) else { return nil }
    guard sharedVectors.contains(value), let axes = axes[value.index] else { return axes[value.index] }
    let use = VectorUse(of: value, by: node, at: nodeIndex, input: index)
    if let made = useAxes[use] { return made }
    let fresh = axes.map { axis in
      Axis(dimensions.make(dimensions.size(axis.dimension), fixed: dimensions.cause(axis.dimension)), vanishes: true)
    }
    useAxes[use] = fresh
    return fresh
  }

  /// The axes of an input whose elements are taken as plain numbers.
  ///
  /// An activation of quantized integers vanishes where it is its zero point, which is another number than zero to
  /// everybody who does not know of it.
  public mutating func plainInput(_ index: Int) -> [Axis]? {
    guard let axes = input(index) else { return nil }
    let facts = facts(index)
    guard facts.type?.isQuantized ?? false, !facts.isConstant else { return axes }
    return axes.map { Axis($0.dimension, vanishes: false) }
  }

  /// Whether an input is a weight: a constant whose axes may shrink.
  public func isWeight(_ input: Int) -> Bool { facts(input).isConstant }

  // MARK: Outputs

  /// Sets the axes of the first output.
  public mutating func setOutput(_ axes: [Axis]) { setOutput(0, axes) }

  public mutating func setOutput(_ output: Int, _ axes: [Axis]) {
    guard let value = node.output(output) else { return }
    self.axes[value.index] = axes
  }

  /// A fresh axis of the given size, fixed for `reason`. What is fixed has no removed index, so it vanishes trivially.
  public mutating func fixedAxis(_ size: Size, _ reason: String) -> Axis {
    Axis(dimensions.make(size, fixed: cause(reason)), vanishes: true)
  }

  /// Gives the first output fresh axes, fixed for `reason`.
  public mutating func setFixedOutput(_ reason: String) { setFixedOutput(0, reason) }

  /// Gives an output fresh axes, fixed for `reason`.
  public mutating func setFixedOutput(_ output: Int, _ reason: String) {
    guard let shape = outputShape(output) else { return }
    setOutput(output, shape.map { fixedAxis($0, reason) })
  }

  // MARK: Relations

  public func cause(_ reason: String) -> Cause {
    blamed.map { Cause(node: $0, reason: "the shape of what it makes is unknown") }
      ?? Cause(node: nodeIndex, reason: reason)
  }

  public func size(_ axis: Axis) -> Size { dimensions.size(axis.dimension) }

  public mutating func unify(_ a: Axis, _ b: Axis) { dimensions.unify(a.dimension, b.dimension, node: nodeIndex) }

  public mutating func unify(_ a: DimensionID, _ b: DimensionID) { dimensions.unify(a, b, node: nodeIndex) }

  public mutating func fix(_ axis: Axis, _ reason: String) { dimensions.fix(axis.dimension, cause(reason)) }

  public mutating func fix(_ axes: some Sequence<Axis>, _ reason: String) { for axis in axes { fix(axis, reason) } }

  /// Fixes every axis of every input: what a node nobody has a rule for does.
  public mutating func fixInputs(_ reason: String) {
    for index in node.inputs.indices {
      if let axes = input(index) { fix(axes, reason) }
    }
  }

  /// Fixes what the node's bodies return.
  public mutating func fixBodies(_ reason: String) {
    for body in node.subgraphs {
      for output in body.outputs { fix(axes[output.value.index] ?? [], reason) }
    }
  }

  /// Says that removing an index of this axis changes what survives.
  public mutating func approximate(_ axis: Axis, _ reason: String) {
    approximations.append((axis.dimension, cause(reason)))
  }

  /// The axis is summed over with nothing that would blank a removed index: exact only if the summands vanish there.
  public mutating func sumOver(_ axis: Axis, _ reason: String) {
    if !axis.vanishes { approximate(axis, reason) }
  }

  public mutating func note(_ evidence: Evidence, _ axis: Axis) { self.evidence.append((axis.dimension, evidence)) }

  /// Keeps a dimension for ``Operator/adapt(_:)``, which asks for its kept size by the same key.
  public mutating func remember(_ key: String, _ dimension: DimensionID) {
    remembered[Memory(node: nodeIndex, key: key)] = dimension
  }

  public mutating func role(_ input: Int, axis: Int, _ role: Role) {
    guard let value = node.input(input) else { return }
    roles.append((value, axis, nodeIndex, role))
  }

  /// Unifies axes from the last backwards as broadcasting pairs them, leaving size-one axes alone, and returns the
  /// axes of the result.
  ///
  /// `vanishes` combines whether each operand that has the axis vanishes along it; operands that do not have the axis
  /// (or have it with size one) count as not vanishing, unless they are absent.
  public mutating func broadcast(
    _ inputs: [[Axis]], shape: [Size], vanishing combine: ([Bool]) -> Bool
  ) -> [Axis] {
    var result: [Axis] = []
    result.reserveCapacity(shape.count)
    for (position, size) in shape.enumerated() {
      var first: Axis?
      var vanishing: [Bool] = []
      for axes in inputs {
        let offset = position - shape.count + axes.count
        guard offset >= 0, !dimensions.size(axes[offset].dimension).isOne || size.isOne else {
          vanishing.append(false)
          continue
        }
        let axis = axes[offset]
        vanishing.append(axis.vanishes)
        if dimensions.size(axis.dimension) == size {
          if let first { unify(first, axis) } else { first = axis }
        } else {
          fix(axis, "it may broadcast at run time")
        }
      }
      let dimension = first?.dimension ?? fixedAxis(size, "its size is known only at run time").dimension
      result.append(Axis(dimension, vanishes: combine(vanishing)))
    }
    return result
  }
}
