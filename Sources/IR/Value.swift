/// Names a value: an edge of the graph, defined by a node, an input or an initializer.
///
/// Identifiers are unique in a model, subgraphs included, so that a body's reference to a value of the graph around it
/// is that value's identifier and two branches may each have a value of the same name.
public struct ValueID: Hashable, Comparable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }

  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// The declared type and shape of a value: a graph input, a graph output, or an entry of `value_info`.
public struct ValueInfo: Sendable {
  public var value: ValueID
  public var type: ValueType?
  public var docString: String?
  public var carried: CarriedFields

  public init(
    value: ValueID, type: ValueType?, docString: String? = nil, carried: CarriedFields = .none
  ) {
    self.value = value
    self.type = type
    self.docString = docString
    self.carried = carried
  }
}

/// The declared type of a value.
public struct ValueType: Sendable {
  /// `nil` for sequences, maps, optionals and sparse tensors, whose description is in `carried`.
  public var tensor: TensorType?
  public var denotation: String?
  public var carried: CarriedFields

  public init(tensor: TensorType?, denotation: String? = nil, carried: CarriedFields = .none) {
    self.tensor = tensor
    self.denotation = denotation
    self.carried = carried
  }
}

public struct TensorType: Sendable {
  /// The number in the file, which may be a type newer than ``DataType`` knows.
  public var elementType: Int32?
  /// `nil` where not even the rank is declared.
  public var shape: [DeclaredSize]?
  public var carried: CarriedFields
  /// Unknown fields of the shape message itself.
  public var shapeCarried: CarriedFields

  public init(
    elementType: Int32?, shape: [DeclaredSize]?, carried: CarriedFields = .none, shapeCarried: CarriedFields = .none
  ) {
    self.elementType = elementType
    self.shape = shape
    self.carried = carried
    self.shapeCarried = shapeCarried
  }
}

/// The declared size of one axis.
public struct DeclaredSize: Sendable {
  public enum Extent: Sendable, Equatable {
    case known(Int64)
    case symbol(String)
    case unknown
  }

  public var extent: Extent
  public var denotation: String?
  public var carried: CarriedFields

  public init(_ extent: Extent, denotation: String? = nil, carried: CarriedFields = .none) {
    self.extent = extent
    self.denotation = denotation
    self.carried = carried
  }
}
