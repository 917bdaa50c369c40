import IR
import Kernels

extension TensorScatter {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (cache, update) = (try context.input(0), try context.input(1))
    let axis = try context.axis(context.node.int("axis", default: -2), rank: cache.rank)
    var expected = cache.shape
    if axis < update.rank, axis > 0 { expected[axis] = update.shape[axis] }
    guard axis > 0, update.shape == expected, update.shape[axis] <= cache.shape[axis], update.type == cache.type else {
      throw .invalid("an update of shape \(update.shape) does not fit a cache of shape \(cache.shape)")
    }
    let places = context.has(2) ? try context.input(2) : nil
    guard places?.shape ?? [cache.shape[0]] == [cache.shape[0]] else {
      throw .invalid("its positions are not one for each entry of the batch")
    }
    var isWide: Bool?
    if let places { isWide = try Moving.isWide(places) }
    let (batch, length, count) = (cache.shape[0], cache.shape[axis], update.shape[axis])
    let rows = cache.shape[1..<axis].reduce(1, *)
    let run = cache.shape[(axis + 1)...].reduce(try Moving.width(cache), *)
    let isCircular = context.node.string("mode") == "circular"
    let bytes = batch * rows * length * run
    return Kernel(sharing: .overwrites([0])) { [isWide] arguments throws(KernelError) in
      let (y, x) = (arguments.rawOutput(0), arguments.rawInput(1))
      if UnsafeRawPointer(y) != arguments.rawInput(0) {
        y.copyMemory(from: arguments.rawInput(0), byteCount: bytes)
      }
      for sample in 0..<batch {
        var start = 0
        if let isWide {
          start = try Moving.index(arguments.rawInput(2), sample, isWide: isWide, size: length + 1)
        }
        guard isCircular || start + count <= length else {
          throw .invalid("\(count) entries from \(start) on do not fit a cache of \(length)")
        }
        for row in (sample * rows)..<((sample + 1) * rows) {
          for position in 0..<count {
            (y + (row * length + (start + position) % length) * run).copyMemory(
              from: x + (row * count + position) * run, byteCount: run)
          }
        }
      }
    }
  }
}
