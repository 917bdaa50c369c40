import Dimensions
import IR

/// `Cast` and `CastLike`. A size cast to a floating-point type has entered the arithmetic.
public struct Cast: Operator {
  public let names = [OperatorName("Cast"), OperatorName("CastLike")]
  public let isShapeArithmetic = true

  private func type(_ context: ShapeContext) -> DataType? {
    if context.node.opType == "CastLike" { return context.type(1) }
    return context.node.int("to").flatMap { DataType(rawValue: Int32(truncatingIfNeeded: $0)) }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let type = type(context)
    let contents = context.contents(0)?.map { element -> Element in
      guard let type else { return .unknown }
      switch element {
      case .int(.known(let value)) where type.isFloatingPoint: return .real(Double(value))
      case .int(.known(let value)) where type == .bool: return .int(value == 0 ? 0 : 1)
      case .int where !type.isFloatingPoint && type != .bool: return element
      case .real(let value) where type == .int64 || type == .int32:
        return Int(exactly: value.rounded(.towardZero)).map { .int($0) } ?? .unknown
      case .real where type.isFloatingPoint: return element
      default: return .unknown
      }
    }
    context.setOutput(type: type, shape: context.shape(0), contents: contents)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.input(0) else { return }
    context.setOutput(axes)
    guard let input = context.node.input(0), let output = context.node.output(0),
      context.outputFacts().type?.isFloatingPoint == false
    else { return }
    context.sizeTerms[output.index] = context.sizeTerms[input.index]
  }
}
