import Dimensions
import IR

/// Fourier transforms, which mix along their axis and keep real and imaginary parts in the last one.
enum Fourier {
  static let all: [any Operator] = [
    FixingOperator("DFT", reason: "transforms along it") { (context: inout ShapeContext) throws(OperatorError) in
      let type = context.type(0)
      guard var shape = context.shape(0), shape.count > 1 else { return context.setOutput(type: type, shape: nil) }
      var attribute: Int64? = context.opset >= 20 ? -2 : context.node.int("axis", default: 1)
      if context.has(2) { attribute = context.facts(2).knownInts?.first.map { Int64($0) } }
      guard let attribute else { return context.setOutput(type: type, shape: context.freshShape(rank: shape.count)) }
      let axis = try context.axis(attribute, rank: shape.count)
      let isOneSided = context.node.int("onesided", default: 0) != 0
      let isInverse = context.node.int("inverse", default: 0) != 0
      let length = context.has(1) ? context.contents(1)?.first?.size : shape[axis]
      if isOneSided && !isInverse {
        shape[axis] = length?.known.map { .known($0 / 2 + 1) } ?? context.freshSize(axis: axis)
      } else {
        shape[axis] = length ?? context.freshSize(axis: axis)
      }
      shape[shape.count - 1] = isOneSided && isInverse ? .known(1) : .known(2)
      context.setOutput(type: type, shape: shape)
    },
    FixingOperator("STFT", reason: "transforms along it") { context in
      guard let batch = context.shape(0)?.first else { return context.setOutput(type: context.type(0), shape: nil) }
      let shape = [batch, context.freshSize(axis: 1), context.freshSize(axis: 2), .known(2)]
      context.setOutput(type: context.type(0), shape: shape)
    },
  ]
}
