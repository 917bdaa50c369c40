import IR
import Operators

/// The numbers of a graph that are known as it stands, however they are spelled: as an initializer or a `Constant`,
/// perhaps cast or renamed.
struct ConstantScalars {
  private let graph: Graph

  init(_ graph: Graph) { self.graph = graph }

  /// `nil` where the value is not known, or is not one number.
  func number(_ value: ValueID) -> Double? {
    var value = value
    // Each node is passed once at most.
    for _ in 0...graph.nodes.count {
      if let initializer = graph.initializers.first(where: { $0.value == value }) {
        return Self.number(initializer.tensor)
      }
      guard let node = graph.nodes.first(where: { $0.output(0) == value }) else { return nil }
      switch node.opType {
      case "Constant": return Self.number(node)
      case "Identity", "Cast", "CastLike", "Reshape", "Squeeze", "Unsqueeze":
        guard let input = node.input(0) else { return nil }
        value = input
      default: return nil
      }
    }
    return nil
  }

  private static func number(_ constant: Node) -> Double? {
    for attribute in constant.attributes {
      switch (attribute.name, attribute.value) {
      case ("value", .tensor(let tensor)): return number(tensor)
      case ("value_float", .float(let number)): return Double(number)
      case ("value_int", .int(let number)): return Double(number)
      case ("value_floats", .floats(let numbers)) where numbers.count == 1: return Double(numbers[0])
      case ("value_ints", .ints(let numbers)) where numbers.count == 1: return Double(numbers[0])
      default: continue
      }
    }
    return nil
  }

  private static func number(_ tensor: Tensor) -> Double? {
    guard tensor.elementCount == 1, let value = try? RuntimeValue(tensor, precision: .single) else { return nil }
    let start = value.buffer.start
    return switch value.type {
    case .float: Double(start.load(as: Float.self))
    case .double: start.load(as: Double.self)
    case .bool, .uint8: Double(start.load(as: UInt8.self))
    case .int32: Double(start.load(as: Int32.self))
    case .int64: Double(start.load(as: Int64.self))
    default: nil
    }
  }
}
