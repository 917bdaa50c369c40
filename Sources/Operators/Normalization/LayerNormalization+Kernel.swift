import IR
import Kernels

extension LayerNormalization {
  /// What a kernel needs to know of the node, forward and backward.
  struct Plan {
    let layout: RowNormalization.Layout
    let epsilon: Double
    /// Elements of the scale and the shift; each repeats along the normalized columns.
    let scaleCount: Int
    let biasCount: Int

    init(_ context: KernelContext, isCentered: Bool, biasInput: Int?) throws(KernelError) {
      let x = try context.input(0)
      let first = try context.axis(context.node.int("axis", default: -1), rank: x.rank)
      let normalized = Array(x.shape[first...])
      layout = RowNormalization.Layout(
        rows: x.shape[..<first].reduce(1, *), width: normalized.reduce(1, *), isCentered: isCentered)
      epsilon = context.node.decimal("epsilon", default: 1e-5)
      scaleCount = try Self.count(context, 1, normalized)
      biasCount = try biasInput.map { input throws(KernelError) in try Self.count(context, input, normalized) } ?? 0
      for input in 1..<3 where context.has(input) {
        guard try context.input(input).type == x.type else {
          throw .unsupported("a scale of another type than the input")
        }
      }
    }

    /// A scale has the shape of the trailing normalized axes, or one element.
    private static func count(
      _ context: KernelContext, _ input: Int, _ normalized: [Int]
    ) throws(KernelError) -> Int {
      guard context.has(input) else { return 0 }
      let operand = try context.input(input)
      let shape = Array(operand.shape.drop { $0 == 1 })
      guard shape.count <= normalized.count, Array(normalized.suffix(shape.count)) == shape else {
        throw .unsupported("a scale of shape \(operand.shape) over normalized axes of \(normalized)")
      }
      return operand.count
    }
  }

  static func isCentered(_ node: Node) -> Bool { node.opType == "LayerNormalization" }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let isCentered = Self.isCentered(context.node)
    let plan = try Plan(context, isCentered: isCentered, biasInput: isCentered ? 2 : nil)
    // Only the full form gives the mean; the simplified one's second output is the inverse deviation.
    let (meanOutput, inverseOutput) = isCentered ? (1, 2) : (-1, 1)
    for output in 1..<3 where context.hasOutput(output) {
      guard try context.output(output).type == context.input(0).type else {
        throw .unsupported("statistics of another type than the input")
      }
    }
    let hasMean = meanOutput > 0 && context.hasOutput(meanOutput)
    let hasInverse = context.hasOutput(inverseOutput)
    let width = plan.layout.width
    return Kernel(sharing: .overwrites([0]), scratchBytes: 2 * width * MemoryLayout<T>.stride) { arguments in
      let scratch = arguments.scratch.assumingMemoryBound(to: T.self)
      RowNormalization.apply(
        arguments.input(0, as: T.self), scale: arguments.repeated(1, plan.scaleCount, width, scratch),
        bias: arguments.repeated(2, plan.biasCount, width, scratch + width), epsilon: plan.epsilon,
        arguments.output(0), means: hasMean ? arguments.output(1) : nil,
        inverses: hasInverse ? arguments.output(inverseOutput) : nil, plan.layout, workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    for output in 1..<3 where context.gradient(output) != nil {
      throw OperatorError("its statistics have no gradient")
    }
    let isCentered = Self.isCentered(context.node)
    let centered = Attribute(name: "centered", value: .int(isCentered ? 1 : 0))
    let hasBias = isCentered && context.has(2)
    context.emitGradients(
      .own("LayerNormalizationGradient"),
      [context.node.input(0), context.node.input(1), gradient, hasBias ? context.node.input(2) : nil],
      towards: 0..<(hasBias ? 3 : 2), attributes: context.node.copied("axis", "epsilon") + [centered])
  }
}

extension KernelArguments {
  /// An input of `count` elements repeated to `width` of them, in place where it has as many.
  func repeated<T: Real>(
    _ index: Int, _ count: Int, _ width: Int, _ scratch: UnsafeMutablePointer<T>
  ) -> UnsafePointer<T>? {
    guard count > 0 else { return nil }
    let elements = input(index, as: T.self)
    guard count < width else { return elements }
    for column in 0..<width { scratch[column] = elements[column % count] }
    return UnsafePointer(scratch)
  }
}

/// The gradients of a layer normalization from x, scale and the gradient of the output, towards x, scale and, where a
/// fourth input has its shape, the shift.
public struct LayerNormalizationGradient: OwnOperator {
  public let names = [OperatorName.own("LayerNormalizationGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    context.setOutput(1, type: context.type(1), shape: context.shape(1))
    context.setOutput(2, type: context.type(3), shape: context.shape(3))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let plan = try LayerNormalization.Plan(
      context, isCentered: context.node.int("centered", default: 1) != 0, biasInput: 3)
    let width = plan.layout.width
    let has = (0..<3).map { context.hasOutput($0) }
    // A repeated scale, both gradients at full width, and the pieces' sums.
    let count = width * (3 + 2 * plan.layout.pieces)
    return Kernel(scratchBytes: count * MemoryLayout<T>.stride) { arguments in
      let scratch = arguments.scratch.assumingMemoryBound(to: T.self)
      let (scales, biases) = (scratch + width, scratch + 2 * width)
      RowNormalization.gradient(
        arguments.input(0, as: T.self), scale: arguments.repeated(1, plan.scaleCount, width, scratch),
        arguments.input(2), epsilon: plan.epsilon, has[0] ? arguments.optionalOutput(0) : nil, scaleGradient: scales,
        biasGradient: biases, partials: scratch + 3 * width, plan.layout, workers: arguments.workers)
      if has[1], plan.scaleCount > 0, let output = arguments.optionalOutput(1, as: T.self) {
        Self.fold(scales, width, output, plan.scaleCount)
      }
      if has[2], plan.biasCount > 0, let output = arguments.optionalOutput(2, as: T.self) {
        Self.fold(biases, width, output, plan.biasCount)
      }
    }
  }

  /// Sums the columns that share an element.
  private static func fold<T: Real>(
    _ columns: UnsafePointer<T>, _ width: Int, _ output: UnsafeMutablePointer<T>, _ count: Int
  ) {
    for index in 0..<count {
      var total: T = 0
      for column in stride(from: index, to: width, by: count) { total += columns[column] }
      output[index] = total
    }
  }
}
