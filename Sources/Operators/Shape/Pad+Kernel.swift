import IR
import Kernels

extension Pad {
  /// For each axis of the output the index of the input's element it holds, −1 for the constant.
  private static func sources(
    _ context: KernelContext, _ shape: [Int], _ output: [Int]
  ) throws(KernelError) -> [[Int]] {
    let flat = try context.ints(input: 1, orAttribute: context.node.ints("pads") == nil ? "paddings" : "pads") ?? []
    let axes = try context.ints(3) ?? Array(shape.indices)
    guard flat.count == 2 * axes.count else { throw .invalid("it has \(flat.count) pads for \(axes.count) axes") }
    var before = [Int](repeating: 0, count: shape.count)
    for (position, given) in axes.enumerated() {
      let axis = given < 0 ? given + shape.count : given
      guard shape.indices.contains(axis) else {
        throw .invalid("axis \(given) is outside a tensor of \(shape.count) axes")
      }
      before[axis] = flat[position]
    }
    let mode = context.node.string("mode") ?? "constant"
    guard ["constant", "edge", "reflect", "wrap"].contains(mode) else { throw .unsupported("padding by \(mode)") }
    return shape.indices.map { axis in
      (0..<output[axis]).map { index in
        source(index - before[axis], shape[axis], mode)
      }
    }
  }

  private static func source(_ position: Int, _ size: Int, _ mode: String) -> Int {
    if position >= 0, position < size { return position }
    guard size > 0 else { return -1 }
    switch mode {
    case "edge": return min(max(position, 0), size - 1)
    case "reflect":
      guard size > 1 else { return 0 }
      let period = 2 * (size - 1)
      let folded = ((position % period) + period) % period
      return folded < size ? folded : period - folded
    case "wrap": return ((position % size) + size) % size
    default: return -1
    }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    let sources = try Self.sources(context, input.shape, output.shape)
    let width = try Moving.width(input)
    let gather = IndexedCopy(sources: sources, shape: input.shape)
    let hasValue = context.has(2) && (context.node.string("mode") ?? "constant") == "constant"
    if hasValue {
      let value = try context.input(2)
      guard value.count == 1, value.type == input.type else {
        throw .unsupported("\(value.count) values of type \(value.type) where one of type \(input.type) is expected")
      }
    }
    let isDouble = input.type == .double
    let value = context.node.float("value") ?? 0
    return Kernel { arguments throws(KernelError) in
      var constant: (UInt64, UInt64) = (0, 0)
      withUnsafeMutableBytes(of: &constant) { bytes in
        if hasValue {
          bytes.copyMemory(from: UnsafeRawBufferPointer(start: arguments.rawInput(2), count: width))
        } else if isDouble {
          bytes.storeBytes(of: Double(value), as: Double.self)
        } else if value != 0 {
          bytes.storeBytes(of: value, as: Float.self)
        }
      }
      withUnsafeBytes(of: constant) { constant in
        gather(arguments.rawInput(0), arguments.rawOutput(0), constant: constant, width: width, arguments.workers)
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.wants(0), let gradient = context.gradient() else { return }
    let shape = try context.shape(0)
    let flat = try context.has(1) ? context.ints(1) : context.node.ints("pads")?.map { Int($0) }
    guard let flat else { throw OperatorError("its pads are not known") }
    let axes = try context.ints(3)?.map { $0 < 0 ? $0 + shape.count : $0 } ?? Array(shape.indices)
    var before = [Int](repeating: 0, count: shape.count)
    for (position, axis) in axes.enumerated() where position < flat.count { before[axis] = flat[position] }
    context.accumulate(
      context.emit(
        .own("PadGradient"), gradient, context.vector(shape),
        attributes: [
          Attribute(name: "before", value: .ints(before.map { Int64($0) })),
          Attribute(name: "mode", value: .string(Array((context.node.string("mode") ?? "constant").utf8))),
        ]), to: 0)
  }

  /// Adds up what padding repeated. Inputs: gradient, shape; attributes `before`, `mode`.
  static func gradientSources(_ node: Node, _ shape: [Int], _ padded: [Int]) -> [[Int]] {
    let before = node.ints("before") ?? []
    let mode = node.string("mode") ?? "constant"
    return shape.indices.map { axis in
      (0..<padded[axis]).map { source($0 - (axis < before.count ? Int(before[axis]) : 0), shape[axis], mode) }
    }
  }
}

/// The gradient of ``Pad``.
public struct PadGradient: OwnOperator {
  public let names = [OperatorName.own("PadGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(1).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (padded, output) = (try context.input(0), try context.output())
    let scatter = IndexedCopy(
      sources: Pad.gradientSources(context.node, output.shape, padded.shape), shape: output.shape)
    let count = output.count
    switch output.type {
    case .float:
      return Kernel { arguments throws(KernelError) in
        scatter.accumulate(arguments.input(0, as: Float.self), arguments.output(0, as: Float.self), count)
      }
    case .double:
      return Kernel { arguments throws(KernelError) in
        scatter.accumulate(arguments.input(0, as: Double.self), arguments.output(0, as: Double.self), count)
      }
    default: throw .unsupported("a gradient of type \(output.type)")
    }
  }
}
