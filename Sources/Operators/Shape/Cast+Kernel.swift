import IR
import Kernels

extension Cast {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let rounding = output.declaredType == .float16 || output.declaredType == .bfloat16
    if input.type == output.type, !rounding || input.declaredType == output.declaredType { return .view }
    guard ElementConversion.isNumber(input.type), ElementConversion.isNumber(output.type) else {
      throw .unsupported("a cast from \(input.declaredType) to \(output.declaredType)")
    }
    let (from, to, declared, count) = (input.type, output.type, output.declaredType, input.count)
    return Kernel { arguments throws(KernelError) in
      let (source, target) = (arguments.rawInput(0), arguments.rawOutput(0))
      ElementConversion.convert(source, from, target, to, rounding: declared, count: count)
    }
  }

  /// Gradients are passed on in the precision they are computed in: narrowing is for what files hold.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient(), let type = context.type(0), let output = context.node.output(0),
      let from = context.types[output.index], type.isFloatingPoint, from.isFloatingPoint
    else { return }
    guard (type == .double) != (from == .double) else { return context.accumulate(gradient, to: 0) }
    let stored = type == .double ? DataType.double : .float
    context.accumulate(
      context.emit(
        OperatorName("Cast"), gradient, attributes: [Attribute(name: "to", value: .int(Int64(stored.rawValue)))]), to: 0
    )
  }
}
