import IR
import Kernels

extension Einsum {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    switch try context.input(0).type {
    case .float: try run(Float.self, context)
    case .double: try run(Double.self, context)
    default: throw .unsupported("Einsum of type \(try context.input(0).type)")
    }
  }

  /// Sums over every label the output lacks, element by element.
  private func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    var shapes: [[Int]] = []
    for index in context.node.inputs.indices { shapes.append(try context.input(index).shape) }
    guard let equation = equation(context.node, ranks: shapes.map(\.count)) else {
      throw .unsupported("the equation of Einsum")
    }
    let sizes = try sizes(equation, shapes)
    let summed = sizes.keys.filter { !equation.output.contains($0) }.sorted()
    let labels = equation.output + summed
    let extents = labels.map { sizes[$0] ?? 1 }
    var strides: [[Int]] = []
    for (index, own) in equation.inputs.enumerated() {
      let (shape, steps) = (shapes[index], StridedCopy.strides(shapes[index]))
      // A label that occurs twice walks along the diagonal.
      strides.append(
        labels.map { label in
          own.indices.reduce(0) { $0 + (own[$1] == label && shape[$1] != 1 ? steps[$1] : 0) }
        })
    }
    let outer = try context.output().count
    let outerRank = equation.output.count
    let inner = extents[outerRank...].reduce(1, *)
    let sums = Sums(extents: extents, outerRank: outerRank, inner: inner, strides: strides)
    let operands = equation.inputs.count
    return Kernel { arguments throws(KernelError) in
      let inputs = (0..<operands).map { arguments.input($0, as: T.self) }
      let target = arguments.output(0, as: T.self)
      nonisolated(unsafe) let unsafeInputs = inputs
      arguments.workers.forEachRange(of: outer, grain: max(1, 65536 / max(1, inner))) { range in
        for index in range { target[index] = sums.sum(unsafeInputs, index) }
      }
    }
  }

  /// The size each label stands for; what has size one is repeated.
  private func sizes(_ equation: Equation, _ shapes: [[Int]]) throws(KernelError) -> [Character: Int] {
    var sizes: [Character: Int] = [:]
    for (labels, shape) in zip(equation.inputs, shapes) {
      guard labels.count == shape.count else { throw .invalid("labels do not name the axes of \(shape)") }
      for (label, size) in zip(labels, shape) {
        guard let known = sizes[label], known != 1 else {
          sizes[label] = size
          continue
        }
        guard size == known || size == 1 else { throw .invalid("label \(label) names axes of \(known) and \(size)") }
      }
    }
    return sizes
  }

  private struct Sums: Sendable {
    let extents: [Int]
    let outerRank: Int
    let inner: Int
    let strides: [[Int]]

    func offset(_ operand: Int, _ index: Int, _ axes: Range<Int>) -> Int {
      var (rest, offset) = (index, 0)
      for axis in axes.reversed() {
        let (next, position) = rest.quotientAndRemainder(dividingBy: extents[axis])
        offset += position * strides[operand][axis]
        rest = next
      }
      return offset
    }

    func sum<T: Real>(_ inputs: [UnsafePointer<T>], _ index: Int) -> T {
      let starts = inputs.indices.map { offset($0, index, 0..<outerRank) }
      var total: T = 0
      for position in 0..<inner {
        var product: T = 1
        for operand in inputs.indices {
          product *= inputs[operand][starts[operand] + offset(operand, position, outerRank..<extents.count)]
        }
        total += product
      }
      return total
    }
  }

  /// Each operand's gradient is the product of the output's and the other operands, summed over what it lacks.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    var shapes: [[Int]] = []
    for index in context.node.inputs.indices { shapes.append(try context.shape(index)) }
    guard let equation = equation(context.node, ranks: shapes.map(\.count)), !equation.takesDiagonals else {
      throw OperatorError("its equation is not understood")
    }
    let output = try context.outputShape()
    for input in equation.inputs.indices where context.wants(input) {
      let others = equation.inputs.indices.filter { $0 != input }
      let terms = [equation.output] + others.map { equation.inputs[$0] }
      var known: [Character: Int] = [:]
      for (labels, shape) in zip(terms, [output] + others.map { shapes[$0] }) {
        for (label, size) in zip(labels, shape) where known[label] ?? 1 == 1 { known[label] = size }
      }
      let own = equation.inputs[input]
      let text = terms.map { String($0) }.joined(separator: ",") + "->" + String(own.filter { known[$0] != nil })
      let value = context.emit(
        OperatorName("Einsum"), [Optional(gradient)] + others.map { context.node.input($0) }, outputs: 1,
        attributes: [Attribute(name: "equation", value: .string(Array(text.utf8)))])[0]
      try accumulate(value, of: own.map { known[$0] }, to: input, &context)
    }
  }

  /// Gives a gradient the shape of its operand: what the operand alone was summed over has the same gradient
  /// everywhere, and what was repeated has the sum of all.
  private func accumulate(
    _ gradient: ValueID, of sizes: [Int?], to input: Int, _ context: inout GradientContext
  ) throws(OperatorError) {
    let shape = try context.shape(input)
    var value = gradient
    let present = sizes.map { $0 ?? 1 }
    if sizes.contains(nil) { value = context.emit(.own("ReshapeTo"), value, context.vector(present)) }
    let repeated = zip(present, shape).map { $0 == 1 ? $1 : $0 }
    if repeated != present { value = context.emit(.own("BroadcastTo"), value, context.vector(repeated)) }
    try context.accumulate(broadcast: value, of: repeated, to: input)
  }
}
