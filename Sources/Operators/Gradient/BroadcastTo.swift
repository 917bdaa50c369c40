import Dimensions
import IR
import Kernels

/// Repeats the first input along axes of size one, and along axes it lacks in front, to the shape the second gives.
public struct BroadcastTo: OwnOperator {
  public let names = [OperatorName.own("BroadcastTo")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = context.facts(1).knownInts?.map { Size.known($0) }
    context.setOutput(type: context.type(0), shape: shape)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    if input.count == output.count { return .view }
    let broadcast = Broadcast([input.shape], to: output.shape)
    switch input.type.byteWidth {
    case 1: return Self.kernel(UInt8.self, broadcast)
    case 2: return Self.kernel(UInt16.self, broadcast)
    case 4: return Self.kernel(UInt32.self, broadcast)
    case 8: return Self.kernel(UInt64.self, broadcast)
    default: throw .unsupported("elements of type \(input.type)")
    }
  }

  private static func kernel<T: BitwiseCopyable & Sendable>(_: T.Type, _ broadcast: Broadcast) -> Kernel {
    let stride = broadcast.rowStrides[0]
    return Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      broadcast.forEachRow(arguments.workers, grain: 65536) { starts, output, count in
        Filling.row(x + starts[0], stride: stride, y + output, count: count)
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    try context.accumulate(broadcast: g, of: try context.outputShape(), to: 0)
  }
}
