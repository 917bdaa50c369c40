import Dimensions
import IR

/// Operators that choose elements by their values, so that sizes are known only at run time.
enum Choosers {
  static let all: [any Operator] = [
    FixingOperator("Compress", reason: "chooses along it") { (context: inout ShapeContext) throws(OperatorError) in
      guard var shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
      guard let attribute = context.node.int("axis") else {
        return context.setOutput(type: context.type(0), shape: context.freshShape(rank: 1))
      }
      let axis = try context.axis(attribute, rank: shape.count)
      shape[axis] = context.freshSize(axis: axis)
      context.setOutput(type: context.type(0), shape: shape)
    },
    FixingOperator("Unique", reason: "chooses along it") { (context: inout ShapeContext) throws(OperatorError) in
      var shape: [Size]? = context.freshShape(rank: 1)
      if let attribute = context.node.int("axis") {
        shape = context.shape(0)
        if let rank = shape?.count {
          let axis = try context.axis(attribute, rank: rank)
          shape?[axis] = context.freshSize(axis: axis)
        }
      }
      context.setOutput(0, type: context.type(0), shape: shape)
      for output in 1..<4 {
        context.setOutput(output, type: .int64, shape: context.freshShape(output: output, rank: 1))
      }
    },
    FixingOperator("NonMaxSuppression", reason: "chooses boxes") { context in
      context.setOutput(type: .int64, shape: [context.freshSize(axis: 0), .known(3)])
    },
    FixingOperator("CenterCropPad", reason: "crops or pads it") { (context: inout ShapeContext) throws(OperatorError) in
      guard var shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
      let axes = context.node.ints("axes") ?? shape.indices.map { Int64($0) }
      let target = context.shape(heldBy: 1)
      for (position, attribute) in axes.enumerated() {
        let axis = try context.axis(attribute, rank: shape.count)
        shape[axis] = target.flatMap { position < $0.count ? $0[position] : nil } ?? context.freshSize(axis: axis)
      }
      context.setOutput(type: context.type(0), shape: shape)
    },
    FixingOperator("TensorScatter", reason: "writes at given positions") { context in
      context.setOutput(type: context.type(0), shape: context.shape(0))
    },
  ]
}
