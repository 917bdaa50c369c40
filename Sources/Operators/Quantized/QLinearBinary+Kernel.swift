import IR
import Kernels

extension QLinearBinary {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let broadcast = try Broadcast(
      checked: [context.input(0).shape, context.input(3).shape], to: context.output().shape)
    let steps = broadcast.rowStrides
    let a = try Quantization(context, scale: 1, zeroPoint: 2, type: context.input(0).type)
    let b = try Quantization(context, scale: 4, zeroPoint: 5, type: context.input(3).type)
    let y = try Quantization(context, scale: 6, zeroPoint: 7, type: context.output().type)
    let isSum = context.node.opType == "QLinearAdd"
    func make<Q: QuantizedInteger>(_ type: Q.Type) throws(KernelError) -> Kernel {
      Kernel { arguments throws(KernelError) in
        let (aScaling, bScaling, target) = (a.scaling(arguments), b.scaling(arguments), y.scaling(arguments))
        // The result's scale goes into an operand's, so that there is one rounding.
        let first = ByteArithmetic.Scaling(scale: aScaling.scale / target.scale, zero: aScaling.zero)
        let second = ByteArithmetic.Scaling(
          scale: isSum ? bScaling.scale / target.scale : bScaling.scale, zero: bScaling.zero)
        let result: UnsafeMutablePointer<Q> = arguments.output(0)
        broadcast.forEachRow(arguments.workers, grain: 32_768) { starts, output, count in
          ByteArithmetic.combine(
            arguments.input(0) + starts[0], step: steps[0], first, arguments.input(3) + starts[1], step: steps[1],
            second, isSum: isSum, zero: target.zero, result + output, count: count)
        }
      }
    }
    return try make(KernelContext.byte(context.output().type))
  }
}
