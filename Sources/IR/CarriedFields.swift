/// Protobuf fields of one message that Coppice does not interpret, as they stood in the file.
///
/// They are written back unchanged, whatever version of the format they belong to.
public struct CarriedFields: Sendable, Equatable {
  /// Whole fields, tag and payload, one after the other.
  public var bytes: [UInt8]

  public static let none = CarriedFields(bytes: [])

  public init(bytes: [UInt8]) { self.bytes = bytes }
}

/// A key and a value of `metadata_props`, `external_data` and the like.
public struct MetadataEntry: Sendable, Equatable {
  public var key: String?
  public var value: String?
  public var carried: CarriedFields

  public init(key: String?, value: String?, carried: CarriedFields = .none) {
    self.key = key
    self.value = value
    self.carried = carried
  }
}
