import IR
import Kernels

extension Compress {
  public func choose(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel) {
    let (shape, axis) = try source(context)
    let chosen = try chosen(context, of: shape[axis])
    let width = try Moving.width(try context.input(0))
    let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
    let run = shape[(axis + 1)...].reduce(width, *)
    let kernel = Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.rawInput(0), arguments.rawOutput(0))
      for row in 0..<outer {
        for (position, index) in chosen.enumerated() {
          (y + (row * chosen.count + position) * run).copyMemory(from: x + (row * size + index) * run, byteCount: run)
        }
      }
    }
    var result = shape
    result[axis] = chosen.count
    return ([result], kernel)
  }

  /// The shape that is chosen from, and along which axis: without one, all elements in a row.
  private func source(_ context: KernelContext) throws(KernelError) -> (shape: [Int], axis: Int) {
    let input = try context.input(0)
    guard let attribute = context.node.int("axis") else { return ([input.count], 0) }
    guard input.rank > 0 else { throw .invalid("its input has no axes") }
    return (input.shape, try context.axis(attribute, rank: input.rank))
  }

  /// A condition may be shorter than the axis: what it does not speak of goes.
  private func chosen(_ context: KernelContext, of size: Int) throws(KernelError) -> [Int] {
    guard let condition = try context.ints(1) else { throw .invalid("it lacks a condition") }
    return condition.prefix(size).indices.filter { condition[$0] != 0 }
  }
}
