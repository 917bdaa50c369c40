import IR
import Kernels

extension Binary {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let first = try context.input(0)
    let shape = try context.output().shape
    let type = context.node.opType
    if type != "Pow" { try context.checkOneType(context.inputs.indices) }
    if let comparison = Self.comparisons[type] {
      return try comparisonKernel(comparison, first.type, context, shape)
    }
    if let logic = Self.logic[type] {
      guard first.type == .bool || type.hasPrefix("Bitwise") else {
        throw .unsupported("\(type) of elements of type \(first.type): cast them to bool")
      }
      let integer = try KernelContext.integer(first.type)
      return try integerKernel(logic, integer, context, shape)
    }
    if type == "Pow" { return try powerKernel(context, shape) }
    guard KernelContext.isReal(first.type) else {
      guard let function = integerFunction(context.node) else {
        throw .unsupported("\(type) of elements of type \(first.type)")
      }
      let integer = try KernelContext.integer(first.type)
      return try integerKernel(function, integer, context, shape)
    }
    guard let function = realFunction(context.node) else {
      throw .unsupported("\(type) of floating-point numbers")
    }
    let operands = context.inputs.count
    let real = try context.real(0)
    return try Self.kernel(
      BinaryMap(function), real, context, operands: operands, shape: shape,
      divisor: type == "Mean" ? operands : 1)
  }

  private static let comparisons: [String: Comparison] = [
    "Equal": .equal, "Less": .less, "LessOrEqual": .lessOrEqual, "Greater": .greater,
    "GreaterOrEqual": .greaterOrEqual,
  ]

  private static let logic: [String: IntegerMap.Binary] = [
    "And": .and, "Or": .or, "Xor": .xor, "BitwiseAnd": .and, "BitwiseOr": .or, "BitwiseXor": .xor,
  ]

  private func realFunction(_ node: Node) -> BinaryMap.Function? {
    switch node.opType {
    case "Add", "Sum", "Mean": .add
    case "Sub": .subtract
    case "Mul": .multiply
    case "Div": .divide
    case "Min": .minimum
    case "Max": .maximum
    case "Mod": node.int("fmod", default: 0) != 0 ? .remainder : .flooredRemainder
    case "PRelu": .prelu
    default: nil
    }
  }

  private func integerFunction(_ node: Node) -> IntegerMap.Binary? {
    switch node.opType {
    case "Add", "Sum": .add
    case "Sub": .subtract
    case "Mul": .multiply
    case "Div": .divide
    case "Min": .minimum
    case "Max": .maximum
    case "Mod": node.int("fmod", default: 0) != 0 ? .truncatedRemainder : .flooredRemainder
    case "BitShift": node.string("direction") == "RIGHT" ? .shiftRight : .shiftLeft
    case "PRelu": .prelu
    default: nil
    }
  }

  /// Broadcasts the operands in turn: the first two into the output, and every further one with what is there.
  static func kernel<T: Real>(
    _ map: BinaryMap, _: T.Type, _ context: KernelContext, operands: Int, shape: [Int], divisor: Int = 1
  ) throws(KernelError) -> Kernel {
    // A sum, mean or extremum of one operand is that operand.
    if operands == 1 { return .view }
    let pair = Broadcast([try context.input(0).shape, try context.input(1).shape], to: shape)
    var further: [Broadcast] = []
    for index in stride(from: 2, to: operands, by: 1) {
      further.append(Broadcast([shape, try context.input(index).shape], to: shape))
    }
    let rest = further
    // What is read after the first pair is written must not be written over.
    let sharing = context.overwritable(operands == 2 ? [0, 1] : [0])
    let scale = divisor == 1 ? nil : UnaryMap(.scale, alpha: 1 / Double(divisor))
    let count = shape.reduce(1, *)
    return Kernel(sharing: sharing) { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      run(map, pair, arguments.input(0), arguments.input(1), y, arguments.workers)
      for (index, broadcast) in rest.enumerated() {
        run(map, broadcast, UnsafePointer(y), arguments.input(index + 2), y, arguments.workers)
      }
      guard let scale else { return }
      arguments.workers.forEachRange(of: count, grain: scale.grain) { range in
        scale(UnsafePointer(y) + range.lowerBound, y + range.lowerBound, count: range.count)
      }
    }
  }

  private static func run<T: Real>(
    _ map: BinaryMap, _ broadcast: Broadcast, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    let (strideA, strideB) = (broadcast.rowStrides[0], broadcast.rowStrides[1])
    broadcast.forEachRow(workers, grain: map.grain) { starts, output, count in
      map(a + starts[0], stride: strideA, b + starts[1], stride: strideB, y + output, count: count)
    }
  }

  private func integerKernel<T: IntegerElement>(
    _ function: IntegerMap.Binary, _: T.Type, _ context: KernelContext, _ shape: [Int]
  ) throws(KernelError) -> Kernel {
    let operands = context.inputs.count
    if operands == 1 { return .view }
    var broadcasts = [Broadcast([try context.input(0).shape, try context.input(1).shape], to: shape)]
    for index in stride(from: 2, to: operands, by: 1) {
      broadcasts.append(Broadcast([shape, try context.input(index).shape], to: shape))
    }
    let turns = broadcasts
    let divides = [.divide, .truncatedRemainder, .flooredRemainder].contains(function)
    let divisors = try context.input(1).count
    return Kernel(sharing: context.overwritable(operands == 2 ? [0, 1] : [0])) { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      if divides, IntegerMap.containsZero(arguments.input(1, as: T.self), count: divisors) {
        throw .invalid("an integer is divided by zero")
      }
      for (index, broadcast) in turns.enumerated() {
        let a = index == 0 ? arguments.input(0, as: T.self) : UnsafePointer(y)
        let b = arguments.input(index + 1, as: T.self)
        let (strideA, strideB) = (broadcast.rowStrides[0], broadcast.rowStrides[1])
        broadcast.forEachRow(arguments.workers, grain: 32768) { starts, output, count in
          IntegerMap.apply(
            function, a + starts[0], stride: strideA, b + starts[1], stride: strideB, y + output, count: count)
        }
      }
    }
  }

  private func comparisonKernel(
    _ comparison: Comparison, _ type: DataType, _ context: KernelContext, _ shape: [Int]
  ) throws(KernelError) -> Kernel {
    if KernelContext.isReal(type) {
      let real = try KernelContext.real(type)
      return try Self.comparing(comparison, real, context, shape)
    }
    let integer = try KernelContext.integer(type)
    return try Self.comparing(comparison, integer, context, shape)
  }

  private static func comparing<T: Comparable & BitwiseCopyable & Sendable>(
    _ comparison: Comparison, _: T.Type, _ context: KernelContext, _ shape: [Int]
  ) throws(KernelError) -> Kernel {
    let broadcast = Broadcast([try context.input(0).shape, try context.input(1).shape], to: shape)
    let (strideA, strideB) = (broadcast.rowStrides[0], broadcast.rowStrides[1])
    return Kernel { arguments throws(KernelError) in
      let (a, b) = (arguments.input(0, as: T.self), arguments.input(1, as: T.self))
      let y = arguments.output(0, as: UInt8.self)
      broadcast.forEachRow(arguments.workers, grain: 32768) { starts, output, count in
        comparison(a + starts[0], stride: strideA, b + starts[1], stride: strideB, y + output, count: count)
      }
    }
  }
}
