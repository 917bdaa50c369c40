import Dimensions
import IR

/// `Clip`: limits elements to a range; keeps zero where the range contains it.
public struct Clip: Operator {
  public let names = [OperatorName("Clip")]

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let axes = context.plainInput(0) else { return }
    let low = bound(context, input: 1, attribute: "min") ?? -.infinity
    let high = bound(context, input: 2, attribute: "max") ?? .infinity
    let keepsZero = low <= 0 && high >= 0
    context.setOutput(axes.map { Axis($0.dimension, vanishes: $0.vanishes && keepsZero) })
  }

  /// NaN, which fails both comparisons, where a bound is computed.
  private func bound(_ context: AxisContext, input: Int, attribute: String) -> Double? {
    if context.has(input) { return context.facts(input).contents?.first?.double ?? .nan }
    return context.node.float(attribute).map(Double.init)
  }
}
