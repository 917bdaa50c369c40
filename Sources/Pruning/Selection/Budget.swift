/// What can be limited.
public enum Quantity: String, Sendable, CaseIterable {
  /// Multiply-accumulate operations of one run.
  case macs
  /// Elements of parameter tensors.
  case parameters = "params"
  /// Bytes of the model's files.
  case size
}

/// The most a model may have of a quantity.
public struct Budget: Sendable, Hashable {
  public let quantity: Quantity
  public let limit: Limit

  public init(_ quantity: Quantity, _ limit: Limit) {
    self.quantity = quantity
    self.limit = limit
  }

  /// A budget as users write it: `50%`, `2G`, `20MB`; see ``Limit/init(parsing:of:)``.
  public init(_ quantity: Quantity, parsing text: String) throws(SelectionError) {
    self.init(quantity, try Limit(parsing: text, of: quantity))
  }
}
