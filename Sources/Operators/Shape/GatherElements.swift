import Dimensions
import IR

/// `GatherElements`: picks elements one by one; nothing of it may shrink.
public struct GatherElements: Operator {
  public let names = [OperatorName("GatherElements")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(1))
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("GatherElements picks along it")
    context.setFixedOutput("GatherElements picks along it")
  }
}

/// `GatherND`: picks slices by coordinates; the coordinates' axes may not shrink.
public struct GatherND: Operator {
  public let names = [OperatorName("GatherND")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let data = context.shape(0), let indices = context.shape(1), let depth = indices.last?.known,
      let batch = Int(exactly: context.node.int("batch_dims", default: 0)), batch >= 0, depth >= 0,
      depth <= data.count - batch
    else { return context.setOutput(type: context.type(0), shape: nil) }
    context.setOutput(type: context.type(0), shape: Array(indices.dropLast()) + Array(data[(batch + depth)...]))
  }

  public func relateAxes(_ context: inout AxisContext) {
    context.fixInputs("GatherND picks along it")
    context.setFixedOutput("GatherND picks along it")
  }
}
