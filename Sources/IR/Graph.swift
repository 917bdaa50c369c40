/// A graph: the model's own, or the body of a control-flow node.
public struct Graph: Sendable {
  public var name: String?
  public var nodes: [Node]
  public var initializers: [Initializer]
  public var sparseInitializers: [SparseInitializer]
  public var inputs: [ValueInfo]
  public var outputs: [ValueInfo]
  /// Declared types of values in between.
  public var valueInfo: [ValueInfo]
  public var docString: String?
  public var carried: CarriedFields

  public init(
    name: String? = nil, nodes: [Node] = [], initializers: [Initializer] = [],
    sparseInitializers: [SparseInitializer] = [], inputs: [ValueInfo] = [], outputs: [ValueInfo] = [],
    valueInfo: [ValueInfo] = [], docString: String? = nil, carried: CarriedFields = .none
  ) {
    self.name = name
    self.nodes = nodes
    self.initializers = initializers
    self.sparseInitializers = sparseInitializers
    self.inputs = inputs
    self.outputs = outputs
    self.valueInfo = valueInfo
    self.docString = docString
    self.carried = carried
  }
}

/// A named constant of a graph.
public struct Initializer: Sendable {
  public var value: ValueID
  public var tensor: Tensor

  public init(value: ValueID, tensor: Tensor) {
    self.value = value
    self.tensor = tensor
  }
}

/// A constant given by its non-zero elements. Carried, never pruned.
public struct SparseInitializer: Sendable {
  public var value: ValueID
  public var shape: [Int]
  public var dataType: DataType?
  /// The whole `SparseTensorProto`.
  public var message: [UInt8]

  public init(value: ValueID, shape: [Int], dataType: DataType?, message: [UInt8]) {
    self.value = value
    self.shape = shape
    self.dataType = dataType
    self.message = message
  }
}
