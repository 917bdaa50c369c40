import Dimensions
import IR
import Kernels

/// What the operators of losses have in common.
enum LossShape {
  /// A loss is a number.
  static func inferLoss(_ context: inout ShapeContext) { context.setOutput(type: context.type(0), shape: []) }

  /// A gradient is shaped like what it is taken of.
  static func inferGradient(_ context: inout ShapeContext) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  /// Adds the node that leads the gradient of a loss to its first input.
  static func differentiate(_ context: inout GradientContext, by name: String) throws(OperatorError) {
    guard !context.wants(1) else { throw OperatorError("\(context.node.opType) has no gradient towards its target") }
    guard let upstream = context.gradient() else { return }
    let gradient = context.emit(
      .own(name), context.node.input(0), context.node.input(1), upstream, attributes: context.node.attributes)
    context.accumulate(gradient, to: 0)
  }

  /// The classes of logits: axis 1 of `[N, C, …]` against labels `[N, …]`, the last one otherwise.
  static func layout(_ context: KernelContext) throws(KernelError) -> LossMath.Layout {
    let shape = try context.input(0).shape
    guard !shape.isEmpty else { throw .invalid("logits have no axis of classes") }
    let axis = try context.axis(context.node.int("axis", default: -1), rank: shape.count)
    return LossMath.Layout(
      outer: shape[..<axis].reduce(1, *), classes: shape[axis], inner: shape[(axis + 1)...].reduce(1, *))
  }

  static func weight(_ context: KernelContext) -> Double { Double(context.node.float("weight") ?? 1) }

  /// - Throws: where the second input has another shape than the first.
  static func requireEqualShapes(_ context: KernelContext, _ what: String) throws(KernelError) {
    let (a, b) = (try context.input(0).shape, try context.input(1).shape)
    guard a == b else { throw .invalid("outputs have shape \(a), \(what) \(b)") }
  }
}
