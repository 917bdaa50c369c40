import Dimensions
import IR

/// An operator whose shapes are understood and whose inputs may not shrink: one that depends on positions, draws random
/// numbers, or means its axes literally.
public struct FixingOperator: Operator {
  public let names: [OperatorName]
  private let reason: String
  private let infer: @Sendable (inout ShapeContext) throws(OperatorError) -> Void

  /// - Parameters:
  ///   - reason: Why nothing may shrink, as remarks say it after the operator's name.
  ///   - infer: Sets the facts of the outputs.
  init(
    _ types: String..., reason: String,
    infer: @escaping @Sendable (inout ShapeContext) throws(OperatorError) -> Void
  ) {
    names = types.map { OperatorName($0) }
    self.reason = reason
    self.infer = infer
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) { try infer(&context) }

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
}
