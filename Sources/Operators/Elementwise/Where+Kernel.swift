import IR
import Kernels

extension Where {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try context.checkOneType(1...2)
    let (condition, type) = (try context.input(0).type, try context.output().type)
    guard condition == .bool else { throw .unsupported("a condition of type \(condition): cast it to bool") }
    switch type.byteWidth {
    case 1: return try Self.kernel(UInt8.self, context)
    case 2: return try Self.kernel(UInt16.self, context)
    case 4: return try Self.kernel(UInt32.self, context)
    case 8: return try Self.kernel(UInt64.self, context)
    default: throw .unsupported("Where of elements of type \(type)")
    }
  }

  private static func kernel<T: BitwiseCopyable & Sendable>(
    _: T.Type, _ context: KernelContext
  ) throws(KernelError) -> Kernel {
    let shapes = [try context.input(0).shape, try context.input(1).shape, try context.input(2).shape]
    let broadcast = Broadcast(shapes, to: try context.output().shape)
    let strides = broadcast.rowStrides
    let sharing = context.overwritable([1, 2])
    return Kernel(sharing: sharing) { arguments throws(KernelError) in
      let condition = arguments.input(0, as: UInt8.self)
      let (yes, no) = (arguments.input(1, as: T.self), arguments.input(2, as: T.self))
      let y = arguments.output(0, as: T.self)
      broadcast.forEachRow(arguments.workers, grain: 32768) { starts, output, count in
        TernaryMap.choose(
          condition + starts[0], stride: strides[0], yes + starts[1], stride: strides[1], no + starts[2],
          stride: strides[2], y + output, count: count)
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    let shape = try context.outputShape()
    let condition = context.node.input(0)
    let zero = context.scalar(0)
    for (index, choices) in [(1, [g, zero]), (2, [zero, g])] where context.wants(index) {
      let share = context.emit(OperatorName("Where"), condition, choices[0], choices[1])
      try context.accumulate(broadcast: share, of: shape, to: index)
    }
  }
}
