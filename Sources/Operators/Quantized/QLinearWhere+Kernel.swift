import IR
import Kernels

extension QLinearWhere {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try BroadcastStrides(
      [context.input(0).shape, context.input(1).shape, context.input(4).shape], to: context.output().shape)
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
      let condition: UnsafePointer<UInt8> = arguments.input(0)
      let result: UnsafeMutablePointer<UInt8> = arguments.output(0)
      layout.forEachRow(arguments.workers) { row in
        let choice = condition + layout.start(0, row: row)
        let first = arguments.input(1, as: UInt8.self) + layout.start(1, row: row)
        let second = arguments.input(4, as: UInt8.self) + layout.start(2, row: row)
        for index in 0..<layout.width {
          result[row * layout.width + index] =
            choice[index * layout.steps[0]] != 0
            ? tables[0][Int(first[index * layout.steps[1]])] : tables[1][Int(second[index * layout.steps[2]])]
        }
      }
    }
  }
}
