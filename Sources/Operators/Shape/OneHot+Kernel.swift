import IR
import Kernels

extension OneHot {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (indices, values, output) = (try context.input(0), try context.input(2), try context.output())
    let axis = try context.axis(context.node.int("axis", default: -1), rank: indices.rank + 1)
    guard values.count == 2, output.rank == indices.rank + 1 else {
      throw .invalid("it has \(values.count) values where one for off and one for on are expected")
    }
    let lines = Lines(
      depth: output.shape[axis], inner: indices.shape[axis...].reduce(1, *), count: indices.count,
      width: try Moving.width(values))
    if KernelContext.isReal(indices.type) {
      let type = try KernelContext.real(indices.type)
      return lines.realKernel(type)
    }
    let type = try KernelContext.integer(indices.type)
    return lines.integerKernel(type)
  }

  /// The depth may come from an input of a type shapes are not made of.
  public func outputShapes(_ context: KernelContext) throws(KernelError) -> [[Int]]? {
    guard let depth = try context.doubles(1)?.first, depth >= 0, depth < 0x1p40 else {
      throw .invalid("its depth is not the size of an axis")
    }
    var shape = try context.input(0).shape
    shape.insert(
      Int(depth), at: try context.axis(context.node.int("axis", default: -1), rank: shape.count + 1))
    return [shape]
  }

  private struct Lines: Sendable {
    let depth: Int
    let inner: Int
    let count: Int
    let width: Int

    func realKernel<T: Real>(_ type: T.Type) -> Kernel { kernel(type) { Int(exactly: $0) } }

    func integerKernel<T: IntegerElement>(_ type: T.Type) -> Kernel { kernel(type) { Int(exactly: $0) } }

    private func kernel<T: BitwiseCopyable & Sendable>(_: T.Type, _ whole: @escaping @Sendable (T) -> Int?) -> Kernel {
      Kernel { arguments throws(KernelError) in
        let (x, y) = (arguments.input(0, as: T.self), arguments.rawOutput(0))
        let off = arguments.rawInput(2)
        for place in 0..<(count * depth) { (y + place * width).copyMemory(from: off, byteCount: width) }
        for index in 0..<count {
          // A class that is none leaves all off; negative ones count from the end.
          guard let given = whole(x[index]), given >= -depth, given < depth else { continue }
          let row = given < 0 ? given + depth : given
          let place = (index / inner * depth + row) * inner + index % inner
          (y + place * width).copyMemory(from: off + width, byteCount: width)
        }
      }
    }
  }
}
