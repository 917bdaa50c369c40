import Dimensions
import IR
import Kernels

extension SkipLayerNormalization {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let (x, skip) = (try context.input(0), try context.input(1))
    guard let width = x.shape.last, width > 0, skip.shape.last == width, skip.count > 0, x.count % skip.count == 0
    else {
      throw .unsupported("a residual of shape \(skip.shape)")
    }
    let isSimplified = context.node.opType == "SkipSimplifiedLayerNormalization"
    let bias = isSimplified ? 3 : 4
    _ = try context.input(2)
    try context.checkOneType([0, 1, 2, 3, 4])
    for (input, what) in [(2, "a scale"), (3, isSimplified ? "a bias" : "a shift"), (4, "a bias")] {
      try context.check(input, what, counts: [width])
    }
    for output in 1..<3 where context.hasOutput(output) {
      guard try context.output(output).type == x.type else {
        throw .unsupported("statistics of another type than the input")
      }
    }
    let (hasBias, hasShift) = (context.has(bias), !isSimplified && context.has(3))
    let rule = SkipNormalization.Rule(epsilon: Double(context.node.float("epsilon") ?? 1e-12), keepsMean: isSimplified)
    let outputs = (0..<4).map { context.hasOutput($0) }
    let (rows, skipRows) = (x.count / width, skip.count / width)
    return Kernel { arguments throws(KernelError) in
      let operands = SkipNormalization.Operands<T>(
        x: arguments.input(0), skip: arguments.input(1), skipRows: skipRows,
        bias: hasBias ? arguments.input(bias) : nil, scale: arguments.input(2),
        shift: hasShift ? arguments.input(3) : nil)
      SkipNormalization.forward(
        operands, rule: rule, rows: rows, width: width, arguments.output(0),
        SkipNormalization.Extras(
          means: outputs[1] ? arguments.output(1) : nil, inverses: outputs[2] ? arguments.output(2) : nil,
          sums: outputs[3] ? arguments.output(3) : nil), workers: arguments.workers)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.gradient(1) == nil, context.gradient(2) == nil else {
      throw OperatorError("the statistics of \(context.node.opType) have no gradient")
    }
    let isSimplified = context.node.opType == "SkipSimplifiedLayerNormalization"
    let bias = isSimplified ? 3 : 4
    let shape = try context.shape(0)
    var toSum = context.gradient(3)
    if let above = context.gradient(0), let x = context.node.input(0), let skip = context.node.input(1) {
      var sum = context.node.output(3) ?? context.emit(OperatorName("Add"), x, skip)
      if context.node.output(3) == nil, let bias = context.node.input(bias) {
        sum = context.emit(OperatorName("Add"), sum, bias)
      }
      let gradients = context.emit(
        .own("SkipNormalizationGradient"), [sum, context.node.input(2), above, toSum], outputs: 3,
        attributes: [
          Attribute(name: "epsilon", value: .float(context.node.float("epsilon") ?? 1e-12)),
          Attribute(name: "simplified", value: .int(isSimplified ? 1 : 0)),
        ])
      toSum = gradients[0]
      context.accumulate(gradients[1], to: 2)
      if !isSimplified { context.accumulate(gradients[2], to: 3) }
    }
    guard let toSum else { return }
    context.accumulate(toSum, to: 0)
    if context.wants(1) { try context.accumulate(broadcast: toSum, of: shape, to: 1) }
    if context.wants(bias) { try context.accumulate(broadcast: toSum, of: shape, to: bias) }
  }
}

/// The gradients of a normalization of rows: takes the rows, the scale, the gradient of the output and one that is added
/// to the rows' own; gives those of the rows, of scale and shift.
public struct SkipNormalizationGradient: OwnOperator {
  public let names = [OperatorName.own("SkipNormalizationGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    for output in 1..<3 { context.setOutput(output, type: context.type(1), shape: context.shape(1)) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let (count, width) = (try context.input(0).count, try context.input(1).count)
      guard width > 0 ? count % width == 0 : count == 0 else {
        throw .invalid("a scale of \(width) elements for \(count) numbers")
      }
      let rows = width > 0 ? count / width : 0
      let rule = SkipNormalization.Rule(
        epsilon: Double(context.node.float("epsilon") ?? 1e-12),
        keepsMean: context.node.int("simplified", default: 0) != 0)
      let hasAdded = context.has(3)
      let bytes = SkipNormalization.pieces(rows: rows, width: width) * 2 * width * MemoryLayout<T>.stride
      return Kernel(scratchBytes: bytes) { arguments throws(KernelError) in
        SkipNormalization.backward(
          sums: arguments.input(0, as: T.self), scale: arguments.input(1), above: arguments.input(2),
          added: hasAdded ? arguments.input(3) : nil, rule: rule, rows: rows, width: width, arguments.output(0),
          scaleGradient: arguments.output(1), shiftGradient: arguments.output(2),
          partial: arguments.scratch.assumingMemoryBound(to: T.self), workers: arguments.workers)
      }
    }
    return try make(context.real(0))
  }
}
