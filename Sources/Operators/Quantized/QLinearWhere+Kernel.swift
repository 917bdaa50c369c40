import IR
import Kernels

extension QLinearWhere {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let broadcast = try Broadcast(
      checked: [context.input(0).shape, context.input(1).shape, context.input(4).shape], to: context.output().shape)
    let steps = broadcast.rowStrides
    let x = try Quantization(context, scale: 2, zeroPoint: 3, type: context.input(1).type)
    let y = try Quantization(context, scale: 5, zeroPoint: 6, type: context.input(4).type)
    let z = try Quantization(context, scale: 7, zeroPoint: 8, type: context.output().type)
    let isSigned = try context.output().type == .int8
    return Kernel { arguments throws(KernelError) in
      let target = z.scaling(arguments)
      let tables = [x, y].map { operand in
        isSigned
          ? ByteArithmetic.table(as: Int8.self, from: operand.scaling(arguments), to: target) { $0 }
          : ByteArithmetic.table(as: UInt8.self, from: operand.scaling(arguments), to: target) { $0 }
      }
      let result: UnsafeMutablePointer<UInt8> = arguments.output(0)
      broadcast.forEachRow(arguments.workers, grain: 32_768) { starts, output, count in
        let choice = arguments.input(0, as: UInt8.self) + starts[0]
        let first = arguments.input(1, as: UInt8.self) + starts[1]
        let second = arguments.input(4, as: UInt8.self) + starts[2]
        for index in 0..<count {
          result[output + index] =
            choice[index * steps[0]] != 0
            ? tables[0][Int(first[index * steps[1]])] : tables[1][Int(second[index * steps[2]])]
        }
      }
    }
  }
}
