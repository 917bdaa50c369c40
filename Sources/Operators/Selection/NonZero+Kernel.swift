import IR
import Kernels

extension NonZero {
  public func choose(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel) {
    let input = try context.input(0)
    let positions = try positions(input)
    let shape = input.shape
    let kernel = Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: Int64.self)
      for (column, position) in positions.enumerated() {
        var rest = position
        for axis in shape.indices.reversed() {
          y[axis * positions.count + column] = Int64(rest % shape[axis])
          rest /= shape[axis]
        }
      }
    }
    return ([[input.rank, positions.count]], kernel)
  }

  private func positions(_ input: KernelContext.Operand) throws(KernelError) -> [Int] {
    guard let bytes = input.contents else { throw .needsContents(input: 0) }
    if KernelContext.isReal(input.type) {
      let type = try KernelContext.real(input.type)
      return Self.find(bytes, input.count, type)
    }
    let type = try KernelContext.integer(input.type)
    return Self.find(bytes, input.count, type)
  }

  private static func find<T: BitwiseCopyable & Numeric>(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, _: T.Type
  ) -> [Int] {
    bytes.withMemoryRebound(to: T.self) { elements in elements.indices.prefix(count).filter { elements[$0] != 0 } }
  }
}
