/// One use of an operator.
public struct Node: Sendable {
  /// `nil` stands for an optional input that is left out (an empty name in the file).
  public var inputs: [ValueID?]
  public var outputs: [ValueID?]
  public var name: String?
  public var opType: String
  public var domain: String?
  public var overload: String?
  public var attributes: [Attribute]
  public var docString: String?
  public var carried: CarriedFields

  public init(
    inputs: [ValueID?], outputs: [ValueID?], name: String? = nil, opType: String, domain: String? = nil,
    overload: String? = nil, attributes: [Attribute] = [], docString: String? = nil, carried: CarriedFields = .none
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.name = name
    self.opType = opType
    self.domain = domain
    self.overload = overload
    self.attributes = attributes
    self.docString = docString
    self.carried = carried
  }

  /// The domain with the default one spelled as the empty string.
  public var canonicalDomain: String {
    guard let domain, domain != "ai.onnx" else { return "" }
    return domain
  }

  /// The input at `index`, or `nil` where it is left out or the node has fewer.
  public func input(_ index: Int) -> ValueID? { index < inputs.count ? inputs[index] : nil }

  /// The output at `index`, or `nil` where it is left out or the node has fewer.
  public func output(_ index: Int) -> ValueID? { index < outputs.count ? outputs[index] : nil }

  /// The value of an attribute, or `nil` where the node does not set it.
  public func attribute(_ name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }

  /// The value of an integer attribute; `nil` where it is not set, or not an integer.
  public func int(_ name: String) -> Int64? {
    if case .int(let value) = attribute(name) { value } else { nil }
  }

  public func int(_ name: String, default value: Int64) -> Int64 { int(name) ?? value }

  /// The values of an attribute that lists integers; `nil` where it is not set, or of another type.
  public func ints(_ name: String) -> [Int64]? {
    if case .ints(let values) = attribute(name) { values } else { nil }
  }

  /// The value of a floating-point attribute; `nil` where it is not set, or of another type.
  public func float(_ name: String) -> Float? {
    if case .float(let value) = attribute(name) { value } else { nil }
  }

  /// The value of a text attribute; `nil` where it is not set, or of another type.
  public func string(_ name: String) -> String? {
    if case .string(let bytes) = attribute(name) { String(decoding: bytes, as: UTF8.self) } else { nil }
  }

  /// Sets an attribute, in its place where the node has it already, at the end otherwise.
  public mutating func setAttribute(_ name: String, _ value: AttributeValue) {
    if let index = attributes.firstIndex(where: { $0.name == name }) {
      attributes[index].value = value
    } else {
      attributes.append(Attribute(name: name, value: value))
    }
  }

  /// The graphs this node carries: the branches of `If`, the bodies of `Loop` and `Scan`.
  public var subgraphs: [Graph] {
    attributes.flatMap { attribute -> [Graph] in
      switch attribute.value {
      case .graph(let graph): [graph]
      case .graphs(let graphs): graphs
      default: []
      }
    }
  }
}

public struct Attribute: Sendable {
  public var name: String
  public var value: AttributeValue
  public var docString: String?
  /// Inside a function: the name of the function's attribute this one stands for.
  public var reference: String?
  /// Files before IR version 2 leave the type of an attribute out.
  public var declaresType: Bool
  public var carried: CarriedFields

  public init(
    name: String, value: AttributeValue, docString: String? = nil, reference: String? = nil,
    declaresType: Bool = true, carried: CarriedFields = .none
  ) {
    self.name = name
    self.value = value
    self.docString = docString
    self.reference = reference
    self.declaresType = declaresType
    self.carried = carried
  }
}

/// What an attribute holds, by its declared type.
public enum AttributeValue: Sendable {
  case float(Float)
  case int(Int64)
  case string([UInt8])
  case tensor(Tensor)
  case graph(Graph)
  case floats([Float])
  case ints([Int64])
  case strings([[UInt8]])
  case tensors([Tensor])
  case graphs([Graph])
  /// A whole `AttributeProto` in a form Coppice does not interpret (sparse tensors, types, contradictory fields).
  case opaque([UInt8])
}
