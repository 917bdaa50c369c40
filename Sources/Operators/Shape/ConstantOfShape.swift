import Dimensions
import IR

/// `ConstantOfShape`: a tensor of one value. An axis made from another axis's size *is* that axis.
public struct ConstantOfShape: Operator {
  public let names = [OperatorName("ConstantOfShape")]

  public var shapeInput: Int? { 0 }
  public func sizeInputs(_ node: Node) -> Set<Int> { [0] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var type = DataType.float
    var element = Element.real(0)
    if case .tensor(let tensor) = context.node.attribute("value") {
      try Self.check(tensor)
      type = tensor.dataType
      element = tensor.smallContents?.first ?? .unknown
    }
    guard let contents = context.contents(0) else {
      let rank = context.shape(0)?.first?.known
      let shape = rank.flatMap { $0 >= 0 && $0 <= 64 ? $0 : nil }.map { (0..<$0).map { context.freshSize(axis: $0) } }
      return context.setOutput(type: type, shape: shape)
    }
    let shape = contents.enumerated().map { axis, element in element.size ?? context.freshSize(axis: axis) }
    if let size = shape.first(where: { ($0.known ?? 0) < 0 })?.known {
      throw OperatorError("its shape has the size \(size)")
    }
    let count = Size.product(shape)?.known
    let small = count.flatMap { $0 <= 64 ? [Element](repeating: element, count: $0) : nil }
    context.setOutput(type: type, shape: shape, contents: small)
  }

  /// Refuses a `value` that is not one element.
  static func check(_ value: Tensor) throws(OperatorError) {
    guard value.elementCount == 1 else {
      throw OperatorError("its value has \(value.elementCount) elements, expected one")
    }
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let shape = context.outputShape() else { return }
    let terms = context.node.input(0).flatMap { context.sizeTerms[$0.index] } ?? []
    var isZero = true
    if case .tensor(let tensor) = context.node.attribute("value") {
      isZero = tensor.smallContents?.allSatisfy { $0.double == 0 } ?? false
    }
    context.setOutput(
      shape.enumerated().map { axis, size in
        guard axis < terms.count, let term = terms[axis], context.dimensions.size(term) == size else {
          return context.fixedAxis(size, "its size is a constant")
        }
        return Axis(term, vanishes: isZero)
      })
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    try Expand.adaptSizes(&context, input: 0)
  }
}
