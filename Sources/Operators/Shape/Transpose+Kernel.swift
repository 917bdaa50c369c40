import IR
import Kernels

extension Transpose {
  private static func permutation(_ node: Node, rank: Int) -> [Int]? {
    let order = node.ints("perm")?.map { Int($0) } ?? Array((0..<rank).reversed())
    return order.sorted() == Array(0..<rank) ? order : nil
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    guard let order = Self.permutation(context.node, rank: input.rank) else { throw .invalid("perm is no permutation") }
    // Where only axes of one element move, the elements stay.
    let moved = order.filter { input.shape[$0] != 1 }
    if moved == moved.sorted() { return .view }
    let strides = StridedCopy.strides(input.shape)
    return Moving.kernel(
      StridedCopy(
        shape: order.map { input.shape[$0] }, source: order.map { strides[$0] }, elementBytes: try Moving.width(input)))
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    let rank = try context.shape(0).count
    guard let order = Self.permutation(context.node, rank: rank) else { throw OperatorError("perm is no permutation") }
    var inverse = order
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    context.accumulate(
      context.emit(
        OperatorName("Transpose"), gradient,
        attributes: [Attribute(name: "perm", value: .ints(inverse.map { Int64($0) }))]), to: 0)
  }
}
