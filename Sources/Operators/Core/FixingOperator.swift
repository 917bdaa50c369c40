import Dimensions
import IR

/// An operator none of whose inputs may shrink: one that depends on positions, draws random numbers, or means its axes
/// literally. What is left to say of it is its shapes and its kernel.
public protocol FixingOperator: Operator {
  /// Why nothing may shrink, as remarks say it after the operator's name.
  var reason: String { get }
}

extension FixingOperator {
  public func relateAxes(_ context: inout AxisContext) {
    let reason = "\(context.node.opType) \(reason)"
    context.fixInputs(reason)
    for output in context.node.outputs.indices { context.setFixedOutput(output, reason) }
  }
}

extension ShapeContext {
  /// The element type an attribute names by its number in the file.
  func type(attribute name: String) -> DataType? {
    node.int(name).flatMap { DataType(rawValue: Int32(truncatingIfNeeded: $0)) }
  }

  /// Sizes of the first output that nobody knows but for their number.
  mutating func freshShape(output: Int = 0, rank: Int) -> [Size] {
    (0..<rank).map { freshSize(output: output, axis: $0) }
  }

  /// The shape an input holds.
  func shape(heldBy input: Int) -> [Size]? {
    guard let contents = contents(input) else { return nil }
    let sizes = contents.compactMap(\.size)
    return sizes.count == contents.count && sizes.allSatisfy { ($0.known ?? 0) >= 0 } ? sizes : nil
  }

  /// The size an input of one element holds, of whatever type it is; a fresh one where it is not known.
  mutating func size(heldBy input: Int, axis: Int) throws(OperatorError) -> Size {
    guard let element = contents(input)?.first else { return freshSize(axis: axis) }
    if let size = element.size, size.known == nil { return size }
    guard let number = element.double else { return freshSize(axis: axis) }
    guard number >= 0, number <= Double(Self.sizeLimit) else {
      throw OperatorError("input \(input) holds \(number) where a size is expected")
    }
    return .known(Int(number))
  }
}
