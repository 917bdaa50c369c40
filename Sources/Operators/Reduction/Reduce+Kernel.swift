import IR
import Kernels

extension Reduce {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    let reduction = Reduction(shape: input.shape, reducing: try reducedAxes(context, rank: input.rank))
    let type = context.node.opType
    guard KernelContext.isReal(input.type) else {
      return try Self.integerKernel(reduction, type, KernelContext.integer(input.type))
    }
    let real = try context.real(0)
    let share = 1 / Double(reduction.reducedElements)
    switch type {
    case "ReduceSum": return Self.kernel(reduction, .sum, .none, real)
    case "ReduceMean": return Self.kernel(reduction, .sum, .scale(share), real)
    case "ReduceL1": return Self.kernel(reduction, .absoluteSum, .none, real)
    case "ReduceL2": return Self.kernel(reduction, .squareSum, .squareRoot, real)
    case "ReduceSumSquare": return Self.kernel(reduction, .squareSum, .none, real)
    case "ReduceLogSum": return Self.kernel(reduction, .sum, .logarithm, real)
    case "ReduceMax": return Self.kernel(reduction, .maximum, .none, real)
    case "ReduceMin": return Self.kernel(reduction, .minimum, .none, real)
    case "ReduceProd": return Self.kernel(reduction, .product, .none, real)
    default: return Self.logSumExp(reduction, real)
    }
  }

  private func reducedAxes(_ context: KernelContext, rank: Int) throws(KernelError) -> Set<Int> {
    let given = try context.ints(input: 1, orAttribute: "axes") ?? []
    if given.isEmpty {
      return context.node.int("noop_with_empty_axes", default: 0) != 0 ? [] : Set(0..<rank)
    }
    var axes: Set<Int> = []
    for axis in given { axes.insert(try context.axis(Int64(axis), rank: rank)) }
    return axes
  }

  /// A kernel of one input that reduces floats or doubles.
  static func kernel<T: Real>(
    _ reduction: Reduction, _ kind: Reduction.Kind, _ finish: Reduction.Finish, _: T.Type
  ) -> Kernel {
    Kernel(scratchBytes: reduction.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      let scratch = arguments.scratch.assumingMemoryBound(to: T.self)
      reduction(
        kind, finish: finish, arguments.input(0, as: T.self), arguments.output(0, as: T.self), scratch: scratch,
        workers: arguments.workers)
    }
  }

  private static func logSumExp<T: Real>(_ reduction: Reduction, _: T.Type) -> Kernel {
    Kernel(scratchBytes: reduction.scratchCount * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      let scratch = arguments.scratch.assumingMemoryBound(to: T.self)
      reduction.logSumExp(
        arguments.input(0, as: T.self), arguments.output(0, as: T.self), scratch: scratch, workers: arguments.workers)
    }
  }

  private static func integerKernel<T: IntegerElement>(
    _ reduction: Reduction, _ type: String, _: T.Type
  ) throws(KernelError) -> Kernel {
    let step: @Sendable (T, T) -> T
    var start: T = 0
    switch type {
    case "ReduceSum", "ReduceMean": step = { $0 &+ $1 }
    case "ReduceL1": step = { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
    case "ReduceSumSquare": step = { $0 &+ $1 &* $1 }
    case "ReduceMax": (step, start) = ({ max($0, $1) }, T.min)
    case "ReduceMin": (step, start) = ({ min($0, $1) }, T.max)
    case "ReduceProd": (step, start) = ({ $0 &* $1 }, 1)
    default: return integerThroughDouble(reduction, type, T.self)
    }
    let (initial, size) = (start, type == "ReduceMean" ? max(1, reduction.reducedElements) : 1)
    return Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      reduction.fold(arguments.input(0, as: T.self), from: initial, step) { output, value in
        y[output] = size == 1 ? value : T(truncatingIfNeeded: Int(truncatingIfNeeded: value) / size)
      }
    }
  }

  /// Roots and logarithms of integers are cut off.
  private static func integerThroughDouble<T: IntegerElement>(
    _ reduction: Reduction, _ type: String, _: T.Type
  ) -> Kernel {
    Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      let x = arguments.input(0, as: T.self)
      let exponential = type == "ReduceLogSumExp"
      let finish = UnaryMap(type == "ReduceL2" ? .sqrt : .log)
      reduction.fold(
        x, from: 0.0,
        { sum, element in
          sum
            + (exponential
              ? Power.real(Power.e, Double(element)) : Double(element) * (type == "ReduceL2" ? Double(element) : 1))
        }
      ) { output, value in
        var number = value
        withUnsafeMutablePointer(to: &number) { finish(UnsafePointer($0), $0, count: 1) }
        y[output] = T(exactly: number.rounded(.towardZero)) ?? 0
      }
    }
  }

  // MARK: Gradient

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let reached = context.gradient(), context.wants(0) else { return }
    let shape = try context.shape(0)
    let given = try context.has(1) ? context.ints(1) : context.node.ints("axes")?.map { Int($0) }
    guard let axes = axes(context.node, rank: shape.count, ints: given) else {
      throw OperatorError("it is reduced over axes known only when the model runs")
    }
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    let g = spread(reached, kept, &context)
    context.accumulate(gradient(&context, g, kept: kept, shape: shape), to: 0)
  }

  /// A value of the output's shape with its reduced axes in place again.
  private func spread(_ value: ValueID, _ kept: [Int], _ context: inout GradientContext) -> ValueID {
    if context.node.int("keepdims", default: 1) != 0 { return value }
    return context.emit(OperatorName("Reshape"), value, context.vector(kept))
  }

  private func gradient(
    _ context: inout GradientContext, _ g: ValueID, kept: [Int], shape: [Int]
  ) -> ValueID {
    let x = context.node.input(0)
    func output() -> ValueID? { context.node.output(0).map { spread($0, kept, &context) } }
    func repeated(_ value: ValueID) -> ValueID {
      kept == shape ? value : context.emit(.own("BroadcastTo"), value, context.vector(shape))
    }
    let (multiply, divide) = (OperatorName("Mul"), OperatorName("Div"))
    switch context.node.opType {
    case "ReduceSum": return repeated(g)
    case "ReduceMean":
      let share = Double(kept.reduce(1, *)) / Double(max(1, shape.reduce(1, *)))
      return repeated(context.emit(multiply, g, context.scalar(share)))
    case "ReduceL1": return context.emit(multiply, context.emit(OperatorName("Sign"), x), g)
    case "ReduceL2":
      // Where the norm is zero there is no slope.
      let (y, zero) = (output(), context.scalar(0))
      let isZero = context.emit(OperatorName("Equal"), y, zero)
      let share = context.emit(OperatorName("Where"), isZero, zero, context.emit(divide, g, y))
      return context.emit(multiply, x, share)
    case "ReduceSumSquare": return context.emit(multiply, x, context.emit(multiply, g, context.scalar(2)))
    case "ReduceLogSum":
      let sum = context.emit(OperatorName("Exp"), output())
      return repeated(context.emit(divide, g, sum))
    case "ReduceLogSumExp":
      let below = context.emit(OperatorName("Sub"), x, output())
      return context.emit(multiply, context.emit(OperatorName("Exp"), below), g)
    case "ReduceProd": return context.emit(.own("ReduceProdGradient"), x, g)
    default:
      // Elements that tie for the extremum share the gradient.
      let (y, one) = (output(), context.scalar(1))
      let ties = context.emit(.own("ExtremumGradient"), x, y, one)
      let count = kept == shape ? ties : context.emit(.own("SumTo"), ties, context.vector(kept))
      return context.emit(.own("ExtremumGradient"), x, y, context.emit(divide, g, count))
    }
  }
}
