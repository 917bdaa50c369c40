import IR
import Kernels

extension Unique {
  public func choose(_ context: KernelContext) throws(KernelError) -> (shapes: [[Int]], kernel: Kernel) {
    let input = try context.input(0)
    let found = try slices(context)
    let (shape, axis) = try source(context)
    let (outer, size) = (shape[..<axis].reduce(1, *), shape[axis])
    let run = shape[(axis + 1)...].reduce(try Moving.width(input), *)
    let has = (0..<4).map { context.node.output($0) != nil }
    let kernel = Kernel { arguments throws(KernelError) in
      if has[0] {
        let (x, y) = (arguments.rawInput(0), arguments.rawOutput(0))
        for row in 0..<outer {
          for (place, index) in found.first.enumerated() {
            (y + (row * found.first.count + place) * run).copyMemory(
              from: x + (row * size + index) * run, byteCount: run)
          }
        }
      }
      for (output, numbers) in [found.first, found.places, found.counts].enumerated() where has[output + 1] {
        let y = arguments.output(output + 1, as: Int64.self)
        for (index, number) in numbers.enumerated() { y[index] = Int64(number) }
      }
    }
    var result = shape
    result[axis] = found.first.count
    return ([result, [found.first.count], [found.places.count], [found.first.count]], kernel)
  }

  /// The shape that is chosen from, and along which axis: without one, all elements in a row.
  private func source(_ context: KernelContext) throws(KernelError) -> (shape: [Int], axis: Int) {
    let input = try context.input(0)
    guard let attribute = context.node.int("axis") else { return ([input.count], 0) }
    guard input.rank > 0 else { throw .invalid("its input has no axes") }
    return (input.shape, try context.axis(attribute, rank: input.rank))
  }

  private func slices(_ context: KernelContext) throws(KernelError) -> UniqueSlices {
    let (input, isSorted) = (try context.input(0), context.node.int("sorted", default: 1) != 0)
    guard let bytes = input.contents else { throw .needsContents(input: 0) }
    let (shape, axis) = try source(context)
    let loops = AxisLoops(shape: shape, axis: axis)
    if KernelContext.isReal(input.type) {
      let type = try KernelContext.real(input.type)
      return Self.find(bytes, loops, isSorted, type)
    }
    let type = try KernelContext.integer(input.type)
    return Self.find(bytes, loops, isSorted, type)
  }

  private static func find<T: BitwiseCopyable & Comparable>(
    _ bytes: UnsafeRawBufferPointer, _ loops: AxisLoops, _ isSorted: Bool, _: T.Type
  ) -> UniqueSlices {
    bytes.withMemoryRebound(to: T.self) { UniqueSlices($0, loops, isSorted: isSorted) }
  }
}
