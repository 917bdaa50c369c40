import Dimensions
import IR

/// Fourier transforms, which mix along their axis and keep real and imaginary parts in the last one.
enum Fourier {
  static let all: [any Operator] = [
    FixingOperator("DFT", reason: "transforms along it") { (context: inout ShapeContext) throws(OperatorError) in
      let shape = try transformed(&context)
      context.setOutput(type: context.type(0), shape: shape)
    },
    FixingOperator("STFT", reason: "transforms along it") { context in
      guard let batch = context.shape(0)?.first else { return context.setOutput(type: context.type(0), shape: nil) }
      let shape = [batch, context.freshSize(axis: 1), context.freshSize(axis: 2), .known(2)]
      context.setOutput(type: context.type(0), shape: shape)
    },
  ]

  private static func transformed(_ context: inout ShapeContext) throws(OperatorError) -> [Size]? {
    guard var shape = context.shape(0), shape.count > 1 else { return nil }
    guard let attribute = axis(context) else { return context.freshShape(rank: shape.count) }
    let axis = try context.axis(attribute, rank: shape.count)
    let isOneSided = context.node.int("onesided", default: 0) != 0
    let isInverse = context.node.int("inverse", default: 0) != 0
    shape[axis] = length(context, shape[axis], isOneSided, isInverse) ?? context.freshSize(axis: axis)
    shape[shape.count - 1] = isOneSided && isInverse ? .known(1) : .known(2)
    return shape
  }

  private static func axis(_ context: ShapeContext) -> Int64? {
    if context.has(2) { return context.facts(2).knownInts?.first.map { Int64($0) } }
    return context.opset >= 20 ? -2 : context.node.int("axis", default: 1)
  }

  private static func length(
    _ context: ShapeContext, _ size: Size, _ isOneSided: Bool, _ isInverse: Bool
  ) -> Size? {
    let given = context.has(1) ? context.contents(1)?.first?.size : nil
    if isOneSided && isInverse {
      // Half of an even spectrum, where nothing else is said.
      return context.has(1) ? given : size.minus(.known(1))?.times(.known(2))
    }
    guard let length = context.has(1) ? given : size else { return nil }
    guard isOneSided else { return length }
    return length.known.map { .known($0 / 2 + 1) }
  }
}
