import IR
import Kernels

extension QLinearConcat {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let result = try context.output()
    let axis = try context.axis(context.node.int("axis", default: 1), rank: result.rank)
    let target = try Quantization(context, scale: 0, zeroPoint: 1, type: result.type)
    let outer = result.shape[..<axis].reduce(1, *)
    let width = result.shape[axis...].reduce(1, *)
    var parts: [(input: Int, start: Int, width: Int, quantization: Quantization)] = []
    var start = 0
    for input in stride(from: 2, to: max(2, context.node.inputs.count), by: 3) {
      let x = try context.input(input)
      guard x.rank == result.rank, x.shape[..<axis] == result.shape[..<axis] else {
        throw .invalid("a part of shape \(x.shape) of a result of shape \(result.shape)")
      }
      let own = x.shape[axis...].reduce(1, *)
      parts.append(
        (input, start, own, try Quantization(context, scale: input + 1, zeroPoint: input + 2, type: x.type)))
      start += own
    }
    guard start == width else { throw .invalid("parts of \(start) elements for rows of \(width)") }
    let isSigned = result.type == .int8
    return Kernel { [parts] arguments throws(KernelError) in
      let scaling = target.scaling(arguments)
      let y: UnsafeMutablePointer<UInt8> = arguments.output(0)
      for part in parts {
        let source = part.quantization.scaling(arguments)
        let table =
          isSigned
          ? ByteArithmetic.table(as: Int8.self, from: source, to: scaling) { $0 }
          : ByteArithmetic.table(as: UInt8.self, from: source, to: scaling) { $0 }
        let x: UnsafePointer<UInt8> = arguments.input(part.input)
        arguments.workers.forEachRange(of: outer, grain: max(1, 131_072 / max(1, part.width))) { range in
          table.withUnsafeBufferPointer { table in
            guard let base = table.baseAddress else { return }
            for row in range {
              ByteArithmetic.lookUp(
                x + row * part.width, y + row * width + part.start, part.width, table: base)
            }
          }
        }
      }
    }
  }
}
