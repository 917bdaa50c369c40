import Dimensions
import IR
import Kernels

extension GatherND {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.wants(0), let gradient = context.gradient() else { return }
    context.accumulate(
      context.emit(
        .own("GatherNDGradient"), gradient, context.node.input(1), context.vector(try context.shape(0)),
        attributes: [Attribute(name: "batch_dims", value: .int(context.node.int("batch_dims", default: 0)))]), to: 0)
  }

  /// Where the slices lie that coordinates name.
  struct Slices: Sendable {
    let count: Int
    /// Elements of a slice.
    let run: Int
    private let depth: Int
    private let perBatch: Int
    private let batchStep: Int
    private let sizes: [Int]
    private let steps: [Int]
    private let isWide: Bool

    init(_ data: [Int], _ indices: KernelContext.Operand, batch: Int64) throws(KernelError) {
      guard let depth = indices.shape.last, let batch = Int(exactly: batch), batch >= 0, batch < indices.rank,
        depth <= data.count - batch, indices.shape[..<batch].elementsEqual(data[..<batch])
      else { throw .invalid("indices of shape \(indices.shape) do not point into \(data)") }
      self.depth = depth
      isWide = try Moving.isWide(indices)
      run = data[(batch + depth)...].reduce(1, *)
      count = indices.shape.dropLast().reduce(1, *)
      perBatch = max(1, indices.shape.dropLast().dropFirst(batch).reduce(1, *))
      batchStep = data[batch...].reduce(1, *)
      sizes = Array(data[batch..<(batch + depth)])
      steps = Array(StridedCopy.strides(data)[batch..<(batch + depth)])
    }

    /// The first element of a slice.
    func start(_ position: Int, _ list: UnsafeRawPointer) throws(KernelError) -> Int {
      var offset = position / perBatch * batchStep
      for axis in 0..<depth {
        offset += try Moving.index(list, position * depth + axis, isWide: isWide, size: sizes[axis]) * steps[axis]
      }
      return offset
    }
  }
}

/// Sums slices into the places of a zero tensor they were gathered from. Inputs: gradient, indices, shape.
public struct GatherNDGradient: OwnOperator {
  public let names = [OperatorName.own("GatherNDGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(2).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (output, real) = (try context.output(), try context.real(0))
    let slices = try GatherND.Slices(
      output.shape, try context.input(1), batch: context.node.int("batch_dims", default: 0))
    guard try context.input(0).count == slices.count * slices.run else {
      throw .invalid("a gradient of another shape than what was gathered")
    }
    return Self.kernel(real, slices, output.count)
  }

  private static func kernel<T: Real>(_: T.Type, _ slices: GatherND.Slices, _ total: Int) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let (gradient, target) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      target.update(repeating: 0, count: total)
      for position in 0..<slices.count {
        let start = try slices.start(position, arguments.rawInput(1))
        Accumulate.add(gradient + position * slices.run, to: target + start, slices.run)
      }
    }
  }
}
