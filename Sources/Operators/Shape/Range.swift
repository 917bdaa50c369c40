import Dimensions
import IR

/// `Range`: counts. Its numbers are positions, so what it counts may not shrink.
public struct RangeOperator: Operator {
  public let names = [OperatorName("Range")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    var size: Size?
    var contents: [Element]?
    let bounds = (0..<3).map { context.contents($0)?.first }
    if case .int(let start)? = bounds[0], case .int(let limit)? = bounds[1], case .int(let delta)? = bounds[2] {
      if let from = start.known, let to = limit.known, let step = delta.known, step != 0, step != .min {
        let (span, overflow) = to.subtractingReportingOverflow(from)
        if !overflow, span != .min {
          let count = (span < 0) == (step < 0) ? span / step + (span % step == 0 ? 0 : 1) : 0
          size = .known(count)
          if count <= Arithmetic.elementLimit { contents = (0..<count).map { .int(from + $0 * step) } }
        }
      } else if delta == .known(1) {
        size = limit.minus(start)
      }
    }
    let shape = [size ?? context.freshSize(axis: 0)]
    context.setOutput(type: context.type(0), shape: shape, contents: contents)
  }

  public func relateAxes(_ context: inout AxisContext) { context.setFixedOutput("it holds positions") }
}
