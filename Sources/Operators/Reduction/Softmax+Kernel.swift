import Dimensions
import IR
import Kernels

extension Softmax {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let loops = try Self.loops(context, input.shape)
    let real = try context.real(0)
    guard context.node.opType != "Hardmax" else { return Self.hardmax(loops, real) }
    let kind: SoftmaxRows.Kind = context.node.opType == "Softmax" ? .softmax : .logSoftmax
    let rows = SoftmaxRows(kind, outer: loops.outer, size: loops.size, inner: loops.inner)
    return Self.kernel(rows, real, context)
  }

  /// What is normalized: one axis, or before operator set 13 all from one on.
  fileprivate static func loops(_ context: KernelContext, _ shape: [Int]) throws(KernelError) -> AxisLoops {
    let isFlat = context.opset < 13 && context.node.canonicalDomain.isEmpty
    let attribute = context.node.int("axis", default: isFlat ? 1 : -1)
    // A matrix of one column each is what flattening at the end makes.
    if isFlat, attribute == Int64(shape.count) { return AxisLoops(shape: shape + [1], from: shape.count) }
    let axis = try context.axis(attribute, rank: shape.count)
    return isFlat ? AxisLoops(shape: shape, from: axis) : AxisLoops(shape: shape, axis: axis)
  }

  private static func kernel<T: Real>(_ rows: SoftmaxRows, _: T.Type, _ context: KernelContext) -> Kernel {
    Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      rows(arguments.input(0, as: T.self), arguments.output(0, as: T.self), workers: arguments.workers)
    }
  }

  private static func hardmax<T: Real>(_ loops: AxisLoops, _: T.Type) -> Kernel {
    Kernel { arguments throws(KernelError) in
      loops.hardmax(arguments.input(0, as: T.self), arguments.output(0, as: T.self), workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.node.opType != "Hardmax" else { throw OperatorError("Hardmax has no gradient") }
    guard let g = context.gradient() else { return }
    let rank = try context.shape(0).count
    let isFlat = context.opset < 13
    let attribute = context.node.int("axis", default: isFlat ? 1 : -1)
    let axis = attribute < 0 ? attribute + Int64(rank) : attribute
    let gradient = context.emit(
      .own("\(context.node.opType)Gradient"), context.node.output(0), g,
      attributes: [
        Attribute(name: "axis", value: .int(axis)), Attribute(name: "flat", value: .int(isFlat ? 1 : 0)),
      ])
    context.accumulate(gradient, to: 0)
  }
}

/// The gradients of `Softmax` and `LogSoftmax`, of their output and the gradient that reached it.
public struct SoftmaxGradient: OwnOperator {
  public let names = [OperatorName.own("SoftmaxGradient"), .own("LogSoftmaxGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let shape = try context.input(0).shape
    let axis = Int(context.node.int("axis", default: 0))
    guard axis >= 0, axis <= shape.count else { throw .invalid("axis \(axis) is outside the input") }
    let isFlat = context.node.int("flat", default: 0) != 0
    let loops = isFlat ? AxisLoops(shape: shape, from: axis) : AxisLoops(shape: shape, axis: axis)
    let kind: SoftmaxRows.Kind = context.node.opType == "SoftmaxGradient" ? .softmax : .logSoftmax
    let rows = SoftmaxRows(kind, outer: loops.outer, size: loops.size, inner: loops.inner)
    return Self.kernel(rows, try context.real(0), context)
  }

  private static func kernel<T: Real>(_ rows: SoftmaxRows, _: T.Type, _ context: KernelContext) -> Kernel {
    Kernel(sharing: context.overwritable([0, 1])) { arguments throws(KernelError) in
      rows.gradient(
        output: arguments.input(0, as: T.self), arguments.input(1), arguments.output(0), workers: arguments.workers)
    }
  }
}
