import IR
import Kernels

/// What the operators that only move elements share: elements of any type are moved by their width.
enum Moving {
  static func width(_ operand: KernelContext.Operand) throws(KernelError) -> Int {
    guard let bits = operand.type.bitWidth else { throw .unsupported("elements of type \(operand.type)") }
    return max(1, bits / 8)
  }

  /// Output 0 is input 0, rearranged.
  static func kernel(_ copy: StridedCopy) -> Kernel {
    Kernel { arguments throws(KernelError) in
      copy(arguments.rawInput(0), arguments.rawOutput(0), arguments.workers)
    }
  }

  /// Repeats what has size one until it has the shape of the output.
  static func broadcast(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.rank <= output.rank else {
      throw .invalid("shape \(input.shape) does not broadcast to \(output.shape)")
    }
    if input.count == output.count { return .view }
    let shape = [Int](repeating: 1, count: output.rank - input.rank) + input.shape
    var strides = StridedCopy.strides(shape)
    for axis in shape.indices where shape[axis] == 1 { strides[axis] = 0 }
    guard zip(shape, output.shape).allSatisfy({ $0 == 1 || $0 == $1 }) else {
      throw .invalid("shape \(input.shape) does not broadcast to \(output.shape)")
    }
    return kernel(StridedCopy(shape: output.shape, source: strides, elementBytes: try width(input)))
  }

  /// Reads indices of either type; negative ones count from the end.
  @inline(__always)
  static func index(
    _ raw: UnsafeRawPointer, _ position: Int, isWide: Bool, size: Int
  ) throws(KernelError) -> Int {
    let value =
      isWide
      ? Int(raw.assumingMemoryBound(to: Int64.self)[position]) : Int(raw.assumingMemoryBound(to: Int32.self)[position])
    let index = value < 0 ? value + size : value
    guard index >= 0, index < size else { throw .invalid("index \(value) is outside an axis of \(size) elements") }
    return index
  }

  static func isWide(_ operand: KernelContext.Operand) throws(KernelError) -> Bool {
    switch operand.type {
    case .int64: true
    case .int32: false
    default: throw .unsupported("indices of type \(operand.type)")
    }
  }
}

/// `x` under another shape, given as a vector: how gradients get the shape of what they belong to.
public struct ReshapeTo: OwnOperator {
  public let names = [OperatorName.own("ReshapeTo")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(1).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try context.view() }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try Reshape.differentiateView(&context)
  }
}
