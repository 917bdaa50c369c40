import Dimensions
import IR
import Kernels

/// `MaxUnpool`: writes maxima back where they were found, zeros elsewhere.
public struct MaxUnpool: Operator {
  public let names = [OperatorName("MaxUnpool")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let x = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    var shape = context.has(2) ? context.shape(heldBy: 2) : nil
    if shape == nil {
      let natural = context.has(2) ? nil : try Self.naturalShape(context.node, x.map(\.known))
      shape = x.indices.map { axis in
        axis < 2 && !context.has(2) ? x[axis] : natural?[axis].map { .known($0) } ?? context.freshSize(axis: axis)
      }
    }
    context.setOutput(type: context.type(0), shape: shape)
  }

  /// The shape of what was pooled, as far as the window tells.
  private static func naturalShape(_ node: Node, _ x: [Int?]) throws(OperatorError) -> [Int?] {
    guard x.count > 2, let kernel = node.ints("kernel_shape"), kernel.count == x.count - 2 else {
      throw OperatorError("kernel_shape has \(node.ints("kernel_shape")?.count ?? 0) entries, expected \(x.count - 2)")
    }
    let window = try Window(node, kernel: kernel.map { Int($0) })
    return x.prefix(2)
      + kernel.indices.map { axis in
        let (before, after) = window.padding(axis)
        return x[axis + 2].map { max(0, ($0 - 1) * window.strides[axis] + window.kernel[axis] - before - after) }
      }
  }

  public func relateAxes(_ context: inout AxisContext) {
    let reason = "MaxUnpool writes at given positions"
    context.fixInputs(reason)
    context.setFixedOutput(0, reason)
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (x, positions) = (try context.input(0), try context.input(1))
    let outer = try context.output().shape
    let natural: [Int]
    do { natural = try Self.naturalShape(context.node, x.shape).compactMap { $0 } } catch {
      throw .invalid(error.message)
    }
    guard positions.type == .int64, positions.count == x.count, outer.count == natural.count,
      outer.prefix(2) == x.shape.prefix(2), zip(outer, natural).allSatisfy({ $0 >= $1 })
    else { throw .unsupported("unpooling \(x.shape) into \(outer)") }
    let (planes, count) = (outer.prefix(2).reduce(1, *), x.count)
    let (innerShape, outerShape) = (Array(natural.dropFirst(2)), Array(outer.dropFirst(2)))
    return Kernel { arguments throws(KernelError) in
      let outside = PositionWrites.apply(
        arguments.input(0, as: T.self), positions: arguments.input(1), count: count, arguments.output(0),
        planes: planes, inner: innerShape, outer: outerShape)
      if let outside { throw .invalid("position \(outside) is outside of what was pooled") }
    }
  }
}
