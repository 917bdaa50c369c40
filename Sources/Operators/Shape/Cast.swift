import Dimensions
import IR

/// `Cast` and `CastLike`. A size cast to a floating-point type has entered the arithmetic.
public struct Cast: Operator {
  public let names = [OperatorName("Cast"), OperatorName("CastLike")]
  public let isShapeArithmetic = true

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  private func type(_ context: ShapeContext) -> DataType? {
    if context.node.opType == "CastLike" { return context.type(1) }
    return context.node.int("to").flatMap { DataType(rawValue: Int32(truncatingIfNeeded: $0)) }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = type(context)
    let contents = context.contents(0)?.map { element in type.map { Self.cast(element, to: $0) } ?? .unknown }
    context.setOutput(type: type, shape: context.shape(0), contents: contents)
  }

  /// Unknown where the type rounds or wraps the number.
  private static func cast(_ element: Element, to type: DataType) -> Element {
    switch (element, type) {
    case (.int(.known(let value)), .float): .real(Double(Float(value)))
    case (.int(.known(let value)), .double): .real(Double(value))
    case (.int(.known(let value)), .bool): .int(value == 0 ? 0 : 1)
    case (.int(.known(let value)), .int32): Int32(exactly: value) == nil ? .unknown : element
    case (.int(.known(let value)), .uint8): UInt8(exactly: value) == nil ? .unknown : element
    case (.int(.known(let value)), .int8): Int8(exactly: value) == nil ? .unknown : element
    case (.int, .int64), (.int, .int32): element
    case (.real(let value), .int64): Int(exactly: value.rounded(.towardZero)).map { .int($0) } ?? .unknown
    case (.real(let value), .int32):
      Int32(exactly: value.rounded(.towardZero)).map { .int(Int($0)) } ?? .unknown
    case (.real(let value), .float): .real(Double(Float(value)))
    case (.real, .double): element
    default: .unknown
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.plainInput(0) else { return }
    context.setOutput(axes)
    guard let input = context.node.input(0), let output = context.node.output(0),
      context.outputFacts().type?.isFloatingPoint == false
    else { return }
    context.sizeTerms[output.index] = context.sizeTerms[input.index]
  }
}
