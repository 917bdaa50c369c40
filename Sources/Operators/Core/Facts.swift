import Dimensions
import IR

/// What is known of a value before the model runs.
public struct Facts: Sendable {
  public var type: DataType?
  /// `nil` where not even the rank is known.
  public var shape: [Size]?
  /// Elements in row-major order, for the small tensors that shape arithmetic is made of.
  public var contents: [Element]?
  /// Computed from initializers alone, whatever the inputs are.
  public var isConstant: Bool

  public init(type: DataType? = nil, shape: [Size]? = nil, contents: [Element]? = nil, isConstant: Bool = false) {
    self.type = type
    self.shape = shape
    self.contents = contents
    self.isConstant = isConstant
  }

  /// What is known of a constant.
  public init(of tensor: Tensor) {
    self.init(
      type: tensor.dataType, shape: tensor.shape.map { .known($0) }, contents: tensor.smallContents, isConstant: true)
  }

  public static let unknown = Facts()

  public var rank: Int? { shape?.count }

  /// The contents as numbers, if every one of them is known.
  public var knownInts: [Int]? {
    guard let contents else { return nil }
    var ints: [Int] = []
    for element in contents {
      guard case .int(let size) = element, let value = size.known else { return nil }
      ints.append(value)
    }
    return ints
  }
}

/// One element of a small tensor.
public enum Element: Hashable, Sendable {
  /// An integer or a boolean (0 or 1).
  case int(Size)
  case real(Double)
  case unknown

  public static func int(_ value: Int) -> Element { .int(.known(value)) }

  public var size: Size? { if case .int(let size) = self { size } else { nil } }

  public var double: Double? {
    switch self {
    case .int(.known(let value)): Double(value)
    case .real(let value): value
    default: nil
    }
  }
}
