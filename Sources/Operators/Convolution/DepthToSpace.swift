import Dimensions
import IR

/// `DepthToSpace` and `SpaceToDepth`: move blocks between the channel axis and the spatial ones.
public struct DepthToSpace: Operator {
  public let names = [OperatorName("DepthToSpace"), OperatorName("SpaceToDepth")]

  public init() {}

  func block(_ node: Node) -> Int? {
    guard let size = node.int("blocksize"), size > 0, size < 1 << 15 else { return nil }
    return Int(size)
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0), let block = block(context.node) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    guard x.count == 4 else { throw OperatorError("the input has \(x.count) axes, expected 4") }
    let square = Size.known(block * block)
    let toSpace = context.node.opType == "DepthToSpace"
    let channels = toSpace ? x[1].dividedExactly(by: square) : x[1].times(square)
    if toSpace, channels == nil, let count = x[1].known {
      throw OperatorError("its \(count) channels do not divide into blocks of \(block) × \(block)")
    }
    var shape = [x[0], channels ?? context.freshSize(axis: 1)]
    for axis in 2..<4 {
      let size = toSpace ? x[axis].times(.known(block)) : x[axis].dividedExactly(by: .known(block))
      if !toSpace, size == nil, let count = x[axis].known {
        throw OperatorError("axis \(axis) has \(count) elements, which blocks of \(block) do not divide")
      }
      shape.append(size ?? context.freshSize(axis: axis))
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let x = context.input(0), x.count == 4, let shape = context.outputShape(), shape.count == 4,
      let block = block(context.node)
    else { return context.fixInputs("its input has an unknown rank") }
    context.fix(x[2...], "blocks are moved along it")
    let blocks = (0..<2).map { _ in context.fixedAxis(.known(block), "it is a block").dimension }
    let channels: DimensionID
    let isColumnRow = context.node.string("mode") == "CRD"
    if context.node.opType == "DepthToSpace" {
      channels = context.dimensions.make(shape[1])
      let product = context.dimensions.product(isColumnRow ? [channels] + blocks : blocks + [channels])
      context.unify(x[1].dimension, product)
    } else {
      let channel = [x[1].dimension]
      channels = context.dimensions.product(isColumnRow ? channel + blocks : blocks + channel)
    }
    let axes = [x[0], Axis(channels, vanishes: x[1].vanishes)]
    context.setOutput(axes + shape[2...].map { context.fixedAxis($0, "blocks are moved along it") })
  }
}
