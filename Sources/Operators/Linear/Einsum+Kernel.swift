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
    guard let equation = equation(context.node) else { throw .unsupported("the equation of Einsum") }
    var sizes: [Character: Int] = [:]
    for (index, labels) in equation.inputs.enumerated() {
      for (label, size) in zip(labels, try context.input(index).shape) { sizes[label] = max(sizes[label] ?? 1, size) }
    }
    let summed = sizes.keys.filter { !equation.output.contains($0) }.sorted()
    let labels = equation.output + summed
    let extents = labels.map { sizes[$0] ?? 1 }
    var strides: [[Int]] = []
    for (index, own) in equation.inputs.enumerated() {
      let shape = try context.input(index).shape
      let steps = StridedCopy.strides(shape)
      strides.append(
        labels.map { label in own.firstIndex(of: label).map { shape[$0] == 1 ? 0 : steps[$0] } ?? 0 })
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
    guard let equation = equation(context.node) else { throw OperatorError("its equation is not understood") }
    for input in equation.inputs.indices where context.wants(input) {
      let others = equation.inputs.indices.filter { $0 != input }
      let own = equation.inputs[input]
      let known = Set(equation.output + others.flatMap { equation.inputs[$0] })
      guard own.allSatisfy(known.contains) else { throw OperatorError("a label occurs in one operand alone") }
      let terms = ([equation.output] + others.map { equation.inputs[$0] }).map { String($0) }.joined(separator: ",")
      let operands = [Optional(gradient)] + others.map { context.node.input($0) }
      let value = context.emit(
        OperatorName("Einsum"), operands, outputs: 1,
        attributes: [Attribute(name: "equation", value: .string(Array("\(terms)->\(String(own))".utf8)))])[0]
      context.accumulate(value, to: input)
    }
  }
}
