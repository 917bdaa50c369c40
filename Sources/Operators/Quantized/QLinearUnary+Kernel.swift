import Foundation
import IR
import Kernels

extension QLinearUnary {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let x = try Quantization(context, scale: 1, zeroPoint: 2, type: context.input(0).type)
    let type = try context.output().type
    let y = try Quantization(context, scale: 3, zeroPoint: 4, type: type)
    if context.node.opType == "QLinearSoftmax" {
      return try type == .int8 ? softmax(context, x, y, as: Int8.self) : softmax(context, x, y, as: UInt8.self)
    }
    return try type == .int8 ? lookUp(context, x, y, as: Int8.self) : lookUp(context, x, y, as: UInt8.self)
  }

  private func lookUp<Q: QuantizedInteger>(
    _ context: KernelContext, _ x: Quantization, _ y: Quantization, as type: Q.Type
  ) throws(KernelError) -> Kernel {
    let count = try context.input(0).count
    let isSigmoid = context.node.opType == "QLinearSigmoid"
    let slope = context.node.float("alpha") ?? 0.01
    return Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      let table = ByteArithmetic.table(as: Q.self, from: x.scaling(arguments), to: y.scaling(arguments)) { value in
        isSigmoid ? 1 / (1 + exp(-value)) : (value < 0 ? value * slope : value)
      }
      arguments.workers.forEachRange(of: count, grain: 131_072) { range in
        table.withUnsafeBufferPointer { table in
          guard let base = table.baseAddress else { return }
          ByteArithmetic.lookUp(
            arguments.input(0) + range.lowerBound, arguments.output(0) + range.lowerBound, range.count, table: base)
        }
      }
    }
  }

  private func softmax<Q: QuantizedInteger>(
    _ context: KernelContext, _ x: Quantization, _ y: Quantization, as type: Q.Type
  ) throws(KernelError) -> Kernel {
    let shape = try context.input(0).shape
    let axis = try context.axis(context.node.int("axis", default: -1), rank: shape.count)
    // Softmax of operator sets before 13 normalizes over all axes from this one on.
    let isOne = context.node.int("opset", default: 13) >= 13
    let count = isOne ? shape[axis] : shape[axis...].reduce(1, *)
    let stride = isOne ? shape[(axis + 1)...].reduce(1, *) : 1
    let rows = shape[..<axis].reduce(1, *)
    return Kernel(scratchBytes: count * 4) { arguments throws(KernelError) in
      let input: UnsafePointer<Q> = arguments.input(0)
      let output: UnsafeMutablePointer<Q> = arguments.output(0)
      let (source, target) = (x.scaling(arguments), y.scaling(arguments))
      for row in 0..<(rows * stride) {
        let start = row / stride * count * stride + row % stride
        ByteArithmetic.softmax(
          input + start, output + start, count: count, stride: stride, from: source, to: target,
          scratch: arguments.scratch.assumingMemoryBound(to: Float.self))
      }
    }
  }
}
