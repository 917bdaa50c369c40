import Dimensions
import IR
import Kernels

extension Clip {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    if KernelContext.isReal(input.type) { return Self.kernel(try context.real(0), context, input.count) }
    return Self.integerKernel(try KernelContext.integer(input.type), context, input.count)
  }

  private static func kernel<T: Real>(_: T.Type, _ context: KernelContext, _ count: Int) -> Kernel {
    let bounds = ClipBounds(context, first: 1)
    return Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      let (low, high) = bounds.read(arguments, as: T.self)
      let map = UnaryMap(.clip, alpha: low, beta: high)
      arguments.workers.forEachRange(of: count, grain: map.grain) { range in
        map(x + range.lowerBound, y + range.lowerBound, count: range.count)
      }
    }
  }

  private static func integerKernel<T: IntegerElement>(_: T.Type, _ context: KernelContext, _ count: Int) -> Kernel {
    let (hasLow, hasHigh) = (context.has(1), context.has(2))
    return Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let low = hasLow ? arguments.input(1, as: T.self)[0] : nil
      let high = hasHigh ? arguments.input(2, as: T.self)[0] : nil
      IntegerMap.clip(arguments.input(0, as: T.self), arguments.output(0), count: count, low: low, high: high)
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    let gradient = context.emit(
      .own("ClipGradient"), [context.node.input(0), g, context.node.input(1), context.node.input(2)], outputs: 1,
      attributes: context.node.attributes)
    context.accumulate(gradient[0], to: 0)
    try differentiateBounds(&context, g)
  }

  /// y = min(max(x, low), high): a bound gets the sum of what reaches the elements it took the place of.
  private func differentiateBounds(_ context: inout GradientContext, _ g: ValueID) throws(OperatorError) {
    guard context.wants(1) || context.wants(2) else { return }
    let (x, low, high) = (context.node.input(0), context.node.input(1), context.node.input(2))
    var isHigh: ValueID?
    if let high {
      let raised = low == nil ? x : context.emit(OperatorName("Max"), x, low)
      isHigh = context.emit(OperatorName("Greater"), raised, high)
    }
    if let isHigh, context.wants(2) { try accumulate(g, where: isHigh, &context, to: 2) }
    guard context.wants(1) else { return }
    var isLow = context.emit(OperatorName("Less"), x, low)
    if let isHigh { isLow = context.emit(OperatorName("And"), isLow, context.emit(OperatorName("Not"), isHigh)) }
    try accumulate(g, where: isLow, &context, to: 1)
  }

  private func accumulate(
    _ g: ValueID, where condition: ValueID, _ context: inout GradientContext, to input: Int
  ) throws(OperatorError) {
    let shape = try context.shape(input)
    let share = context.emit(OperatorName("Where"), condition, g, context.scalar(0))
    let sum = context.emit(.own("SumTo"), share, context.vector([]))
    context.accumulate(shape.isEmpty ? sum : context.emit(.own("ReshapeTo"), sum, context.vector(shape)), to: input)
  }
}

/// Where the bounds of a clip are: attributes before operator set 11, inputs of one element from it on.
struct ClipBounds: Sendable {
  private let low: Double
  private let high: Double
  private let lowInput: Int?
  private let highInput: Int?

  init(_ context: KernelContext, first: Int) {
    low = context.node.float("min").map(Double.init) ?? -.infinity
    high = context.node.float("max").map(Double.init) ?? .infinity
    lowInput = context.has(first) ? first : nil
    highInput = context.has(first + 1) ? first + 1 : nil
  }

  func read<T: Real>(_ arguments: KernelArguments, as: T.Type) -> (low: Double, high: Double) {
    (
      lowInput.map { Double(arguments.input($0, as: T.self)[0]) } ?? low,
      highInput.map { Double(arguments.input($0, as: T.self)[0]) } ?? high
    )
  }
}

/// The gradient of `Clip`: what lies between the bounds lets it through. Inputs are the clip's first, the gradient that
/// reached its output, and its bounds.
public struct ClipGradient: OwnOperator {
  public let names = [OperatorName.own("ClipGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    Self.kernel(try context.real(0), context, try context.input(0).count)
  }

  private static func kernel<T: Real>(_: T.Type, _ context: KernelContext, _ count: Int) -> Kernel {
    let bounds = ClipBounds(context, first: 2)
    return Kernel(sharing: context.overwritable([0, 1])) { arguments throws(KernelError) in
      let (x, g) = (arguments.input(0, as: T.self), arguments.input(1, as: T.self))
      let y = arguments.output(0, as: T.self)
      let (low, high) = bounds.read(arguments, as: T.self)
      let map = BinaryMap(.clipGradient, alpha: low, beta: high)
      arguments.workers.forEachRange(of: count, grain: map.grain) { range in
        let start = range.lowerBound
        map(x + start, stride: 1, g + start, stride: 1, y + start, count: range.count)
      }
    }
  }
}
