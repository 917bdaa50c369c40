import Dimensions
import IR
import Kernels

/// The gradient that is its first input, in memory of its own, for the parameter that is its second.
///
/// The parameter is not read. But it is no constant, and so the copy is not folded into one.
public struct GradientResult: OwnOperator {
  public let names = [OperatorName.own("GradientResult")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(1), shape: context.shape(1))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.type == output.type, input.count == output.count, let width = input.type.byteWidth else {
      throw .invalid("a gradient of \(input.type) \(input.shape) for \(output.type) \(output.shape)")
    }
    let byteCount = input.count * width
    return Kernel { arguments throws(KernelError) in
      arguments.rawOutput(0).copyMemory(from: arguments.rawInput(0), byteCount: byteCount)
    }
  }
}
