import Dimensions
import IR
import Kernels

extension Binary {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    let shape = try context.outputShape()
    let count = context.node.inputs.count
    switch context.node.opType {
    case "Add", "Sum":
      for index in 0..<count { try context.accumulate(broadcast: g, of: shape, to: index) }
    case "Mean":
      let share = context.emit(OperatorName("Mul"), g, context.scalar(1 / Double(count)))
      for index in 0..<count { try context.accumulate(broadcast: share, of: shape, to: index) }
    case "Sub":
      try context.accumulate(broadcast: g, of: shape, to: 0)
      guard context.wants(1) else { return }
      try reach(1, &context, of: shape) { $0.emit(OperatorName("Neg"), $1) }
    case "Mul":
      let (a, b) = (context.node.input(0), context.node.input(1))
      if context.wants(0) { try accumulate(context.emit(OperatorName("Mul"), g, b), &context, shape, to: 0) }
      if context.wants(1) { try accumulate(context.emit(OperatorName("Mul"), g, a), &context, shape, to: 1) }
    case "Div": try quotient(&context, g, shape)
    case "Mod": try remainder(&context, g, shape)
    case "Min", "Max": try extremum(&context, g, shape)
    case "Pow": try operands(&context, ["PowBaseGradient", "PowExponentGradient"], g, shape)
    case "PRelu":
      try operands(&context, ["PReluGradient"], g, shape)
      guard context.wants(1) else { return }
      let negative = context.emit(.own("PReluSlopeGradient"), context.node.input(0), g)
      try context.accumulate(broadcast: negative, of: shape, to: 1)
    case "And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual": break
    default: throw OperatorError("\(context.node.opType) has no gradient")
    }
  }

  private func accumulate(
    _ gradient: ValueID, _ context: inout GradientContext, _ shape: [Int], to input: Int
  ) throws(OperatorError) {
    try context.accumulate(broadcast: gradient, of: shape, to: input)
  }

  /// Sums over repeated axes first where `map` may as well be done to the fewer elements left.
  private func reach(
    _ input: Int, _ context: inout GradientContext, of shape: [Int],
    _ map: (inout GradientContext, ValueID) -> ValueID
  ) throws(OperatorError) {
    guard var g = context.gradient() else { return }
    let target = try context.shape(input)
    if target != shape { g = context.emit(.own("SumTo"), g, context.vector(target)) }
    context.accumulate(map(&context, g), to: input)
  }

  /// Towards the dividend g / b, towards the divisor −g / b · y.
  private func quotient(_ context: inout GradientContext, _ g: ValueID, _ shape: [Int]) throws(OperatorError) {
    guard context.wants(0) || context.wants(1) else { return }
    let share = context.emit(OperatorName("Div"), g, context.node.input(1))
    if context.wants(0) { try context.accumulate(broadcast: share, of: shape, to: 0) }
    guard context.wants(1) else { return }
    let product = context.emit(OperatorName("Mul"), share, context.node.output(0))
    let negative = context.emit(OperatorName("Neg"), product)
    try context.accumulate(broadcast: negative, of: shape, to: 1)
  }

  /// Towards the dividend g, towards the divisor −g times how often it goes into the dividend.
  private func remainder(_ context: inout GradientContext, _ g: ValueID, _ shape: [Int]) throws(OperatorError) {
    try context.accumulate(broadcast: g, of: shape, to: 0)
    guard context.wants(1) else { return }
    let whole = context.emit(OperatorName("Sub"), context.node.input(0), context.node.output(0))
    let quotient = context.emit(OperatorName("Div"), whole, context.node.input(1))
    let product = context.emit(OperatorName("Mul"), g, context.emit(OperatorName("Round"), quotient))
    try context.accumulate(broadcast: context.emit(OperatorName("Neg"), product), of: shape, to: 1)
  }

  /// Operands that tie for the extremum share the gradient.
  private func extremum(_ context: inout GradientContext, _ g: ValueID, _ shape: [Int]) throws(OperatorError) {
    let inputs = context.node.inputs
    guard inputs.indices.contains(where: { context.wants($0) }) else { return }
    let (y, one) = (context.node.output(0), context.scalar(1))
    let ties = inputs.map { context.emit(.own("ExtremumGradient"), $0, y, one) }
    let count = context.emit(OperatorName("Sum"), ties, outputs: 1)[0]
    let share = context.emit(OperatorName("Div"), g, count)
    for (index, input) in inputs.enumerated() where context.wants(index) {
      let gradient = context.emit(.own("ExtremumGradient"), input, y, share)
      try context.accumulate(broadcast: gradient, of: shape, to: index)
    }
  }

  /// One operator for each of the first operands, of both operands and the gradient.
  private func operands(
    _ context: inout GradientContext, _ types: [String], _ g: ValueID, _ shape: [Int]
  ) throws(OperatorError) {
    for (index, type) in types.enumerated() where context.wants(index) {
      let share = context.emit(.own(type), context.node.input(0), context.node.input(1), g)
      try context.accumulate(broadcast: share, of: shape, to: index)
    }
  }
}

/// Gradients of functions of two numbers that take both and the gradient that reached the output: three operands that
/// broadcast.
public struct BinaryGradient: OwnOperator {
  public let names = [
    OperatorName.own("ExtremumGradient"), .own("PowBaseGradient"), .own("PowExponentGradient"), .own("PReluGradient"),
    .own("PReluSlopeGradient"),
  ]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let shape = try context.broadcast(context.node.inputs.indices.map { context.shape($0) })
    context.setOutput(type: context.type(context.node.inputs.count - 1), shape: shape)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let type = try context.real(context.node.inputs.count - 1)
    if context.node.opType == "PReluSlopeGradient" {
      return try Binary.kernel(
        BinaryMap(.preluSlopeGradient), type, context, operands: 2, shape: try context.output().shape)
    }
    guard try context.input(0).type == context.input(1).type else {
      throw .unsupported("the gradient of Pow with exponents of type \(try context.input(1).type)")
    }
    return try Self.kernel(type, context)
  }

  private static func kernel<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let shapes = [try context.input(0).shape, try context.input(1).shape, try context.input(2).shape]
    let broadcast = Broadcast(shapes, to: try context.output().shape)
    let strides = broadcast.rowStrides
    let type = context.node.opType
    return Kernel(sharing: context.overwritable([0, 1, 2])) { arguments throws(KernelError) in
      let (a, b) = (arguments.input(0, as: T.self), arguments.input(1, as: T.self))
      let (g, y) = (arguments.input(2, as: T.self), arguments.output(0, as: T.self))
      broadcast.forEachRow(arguments.workers, grain: 16384) { starts, output, count in
        let (a, b, g, y) = (a + starts[0], b + starts[1], g + starts[2], y + output)
        let (first, second, third) = (strides[0], strides[1], strides[2])
        switch type {
        case "ExtremumGradient":
          TernaryMap.extremumGradient(a, stride: first, b, stride: second, g, stride: third, y, count: count)
        case "PowBaseGradient":
          TernaryMap.powerBaseGradient(a, stride: first, b, stride: second, g, stride: third, y, count: count)
        case "PowExponentGradient":
          TernaryMap.powerExponentGradient(a, stride: first, b, stride: second, g, stride: third, y, count: count)
        default:
          TernaryMap.preluGradient(a, stride: first, b, stride: second, g, stride: third, y, count: count)
        }
      }
    }
  }
}
