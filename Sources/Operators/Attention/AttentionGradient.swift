import Dimensions
import IR
import Kernels

/// The gradients of an attention's queries, keys and values, in the layouts they come in.
///
/// Takes the inputs of the attention, then the gradient of its output; `of` names the operator, the other attributes
/// are its own. Weights are computed anew rather than kept.
public struct AttentionGradient: OwnOperator {
  public let names = [OperatorName.own("AttentionGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    for output in context.node.outputs.indices {
      context.setOutput(output, type: context.type(output), shape: context.shape(output))
    }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  /// What the attention itself would do.
  private func plan(_ context: KernelContext, elementBytes: Int) throws(KernelError) -> AttentionPlan {
    var forward = context
    forward.node.opType = context.node.string("of") ?? ""
    forward.inputs.removeLast()
    forward.outputs = [context.inputs.last.flatMap { $0 }]
    return forward.node.opType == "MultiHeadAttention"
      ? try MultiHeadAttention().plan(forward, elementBytes: elementBytes)
      : try ScaledDotProductAttention().plan(forward, elementBytes: elementBytes)
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    var plan = try plan(context, elementBytes: MemoryLayout<T>.stride)
    let product = try context.matrixProduct()
    let above = HeadPlace(place: .input(context.inputs.count - 1), strides: plan.output.strides)
    let weights = plan.scratch.reserve(
      Attention.backwardScratchBytes(plan.sizes, elementBytes: MemoryLayout<T>.stride))
    return Kernel(scratchBytes: plan.scratch.byteCount) { [plan] arguments throws(KernelError) in
      for operand in [plan.query, plan.key, plan.value] {
        operand.gather(arguments, batch: plan.sizes.batch, as: T.self)
      }
      Attention.backward(
        plan.sizes, query: plan.query.place.rows(arguments) as HeadRows<T>, key: plan.key.place.rows(arguments),
        value: plan.value.place.rows(arguments), rule: try plan.rule(arguments, as: T.self),
        outputGradient: above.rows(arguments), queryGradient: Self.gradient(plan.query).mutableRows(arguments),
        keyGradient: Self.gradient(plan.key).mutableRows(arguments),
        valueGradient: Self.gradient(plan.value).mutableRows(arguments), scratch: weights.elements(arguments),
        product: product, workers: arguments.workers)
    }
  }

  /// The place in an output that an operand has in the input of the same position.
  private static func gradient(_ operand: AttentionPlan.Operand) -> HeadPlace {
    var place = operand.source
    if case .input(let index) = place.place { place.place = .output(index) }
    return place
  }
}

extension GradientContext {
  /// Adds the gradients of an attention's first inputs.
  /// - Parameters:
  ///   - operation: the operator whose inputs and attributes they are.
  ///   - count: how many inputs hold queries, keys and values.
  mutating func attentionGradient(
    of operation: String, inputs: [ValueID?], above: ValueID, count: Int, attributes: [Attribute]
  ) -> [ValueID] {
    emit(
      .own("AttentionGradient"), inputs + [above], outputs: count,
      attributes: attributes + [Attribute(name: "of", value: .string(Array(operation.utf8)))])
  }
}
