/// An ONNX model.
///
/// A value: copies are independent, and tensors are shared between them because nobody writes into a tensor's bytes.
public struct Model: Sendable {
  public var irVersion: Int64?
  public var opsetImports: [OpsetImport]
  public var producerName: String?
  public var producerVersion: String?
  public var domain: String?
  public var modelVersion: Int64?
  public var docString: String?
  public var graph: Graph
  public var metadata: [MetadataEntry]
  public var functions: [FunctionDefinition]
  public var carried: CarriedFields
  /// The names of all values, subgraphs included, by ``ValueID/index``.
  public var valueNames: [String]
  /// The files it was read from, and whose bytes its tensors may still be: writing must not replace them.
  public var sources: [FileIdentity] = []

  public init(
    irVersion: Int64? = nil, opsetImports: [OpsetImport] = [], producerName: String? = nil,
    producerVersion: String? = nil, domain: String? = nil, modelVersion: Int64? = nil, docString: String? = nil,
    graph: Graph = Graph(), metadata: [MetadataEntry] = [], functions: [FunctionDefinition] = [],
    carried: CarriedFields = .none, valueNames: [String] = []
  ) {
    self.irVersion = irVersion
    self.opsetImports = opsetImports
    self.producerName = producerName
    self.producerVersion = producerVersion
    self.domain = domain
    self.modelVersion = modelVersion
    self.docString = docString
    self.graph = graph
    self.metadata = metadata
    self.functions = functions
    self.carried = carried
    self.valueNames = valueNames
  }

  public func name(of value: ValueID) -> String { valueNames[value.index] }

  /// Adds a value to the table. The name must be new in the scope it is used in.
  public mutating func addValue(named name: String) -> ValueID {
    valueNames.append(name)
    return ValueID(valueNames.count - 1)
  }

  /// The version of an operator set the model imports, or `nil`. The default domain is the empty string.
  public func opset(_ domain: String) -> Int64? {
    opsetImports.first { ($0.domain ?? "") == domain || (domain.isEmpty && $0.domain == "ai.onnx") }?.version
  }
}

public struct OpsetImport: Sendable, Equatable {
  public var domain: String?
  public var version: Int64?
  public var carried: CarriedFields

  public init(domain: String?, version: Int64?, carried: CarriedFields = .none) {
    self.domain = domain
    self.version = version
    self.carried = carried
  }
}

/// A function the model brings along: an operator defined by a graph. Its message is carried as it is.
public struct FunctionDefinition: Sendable {
  public var name: String
  public var domain: String
  /// Tells functions of the same name apart.
  public var overload: String
  /// The whole `FunctionProto`.
  public var message: [UInt8]
  /// What the message says, for running; `nil` where it is not understood.
  public var body: FunctionBody?

  public init(name: String, domain: String, overload: String = "", message: [UInt8], body: FunctionBody? = nil) {
    self.name = name
    self.domain = domain
    self.overload = overload
    self.message = message
    self.body = body
  }
}

/// The graph of a function.
public struct FunctionBody: Sendable {
  /// The function's inputs, outputs and nodes, with the operator sets it imports; its values are its own.
  public var model: Model
  /// Attributes a call may leave out.
  public var defaults: [Attribute]

  public init(model: Model, defaults: [Attribute] = []) {
    self.model = model
    self.defaults = defaults
  }
}
