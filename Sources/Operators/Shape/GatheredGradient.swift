import Dimensions
import IR
import Kernels

/// The gradient of an operator that gathers along an axis: a zero tensor into which what was gathered is added up.
/// Inputs: gradient, indices, shape.
protocol GatheredGradient: OwnOperator {
  func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel
}

extension GatheredGradient {
  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(2).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch try context.output().type {
    case .float: try run(Float.self, context)
    case .double: try run(Double.self, context)
    default: throw .unsupported("a gradient of type \(try context.output().type)")
    }
  }
}

extension GradientContext {
  /// Passes the gradient of what was gathered on to the data, input 0, by a ``GatheredGradient``.
  mutating func accumulateGathered(by name: OperatorName) throws(OperatorError) {
    guard wants(0), let gradient = gradient() else { return }
    accumulate(
      emit(
        name, gradient, node.input(1), vector(try shape(0)),
        attributes: [Attribute(name: "axis", value: .int(node.int("axis", default: 0)))]), to: 0)
  }
}
