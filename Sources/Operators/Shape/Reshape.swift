import Dimensions
import IR

/// `Reshape`: factors and multiplies axes. Its target is rewritten to the surviving sizes, never unified: exporters
/// spell one axis with the size of another, and taking that literally would tie heads to the embedding width.
public struct Reshape: Operator {
  public let names = [OperatorName("Reshape")]
  public let isShapeArithmetic = true

  public var shapeInput: Int? { 1 }
  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let input = context.shape(0)
    context.setOutput(type: context.type(0), shape: try target(&context, input), contents: context.contents(0))
  }

  private func target(_ context: inout ShapeContext, _ input: [Size]?) throws(OperatorError) -> [Size]? {
    let elements: [Element]
    if context.has(1) {
      guard let contents = context.contents(1) else {
        // Only the rank is known, from the length of the target.
        guard let rank = context.shape(1)?.first?.known, rank <= 64 else { return nil }
        return (0..<max(0, rank)).map { context.freshSize(axis: $0) }
      }
      elements = contents
    } else {
      guard let shape = context.node.ints("shape") else { throw OperatorError("it has no target shape") }
      elements = shape.map { .int(Int($0)) }
    }
    let allowsZero = context.node.int("allowzero", default: 0) != 0
    var sizes: [Size?] = []
    var inferred: Int?
    for (axis, element) in elements.enumerated() {
      switch element {
      case .int(.known(-1)):
        guard inferred == nil else { throw OperatorError("its target shape has more than one -1") }
        inferred = axis
        sizes.append(nil)
      case .int(.known(0)) where !allowsZero:
        guard let input else {
          sizes.append(context.freshSize(axis: axis))
          continue
        }
        guard axis < input.count else { throw OperatorError("its target copies axis \(axis), which the input lacks") }
        sizes.append(input[axis])
      case .int(.known(let size)):
        guard size >= 0 else { throw OperatorError("its target shape has the size \(size)") }
        sizes.append(.known(size))
      case .int(let size): sizes.append(size)
      default: sizes.append(context.freshSize(axis: axis))
      }
    }
    let total = input.flatMap { Size.product($0) }
    let rest = Size.product(sizes.compactMap { $0 })
    if let inferred {
      if let total, let rest {
        if let size = total.dividedExactly(by: rest) {
          sizes[inferred] = size
        } else if let total = total.known, let rest = rest.known, rest != 0 {
          throw OperatorError("\(total) elements do not divide into rows of \(rest)")
        } else {
          sizes[inferred] = context.symbols.apply(.floorDivide, total, rest)
        }
      }
      sizes[inferred] = sizes[inferred] ?? context.freshSize(axis: inferred)
    } else if let total = total?.known, let rest = rest?.known, total != rest {
      throw OperatorError("it makes \(rest) elements of \(total)")
    } else if let input, let rest, let total, rest != total {
      return Self.reconciled(sizes.compactMap { $0 }, with: input, total: total)
    }
    return sizes.compactMap { $0 }
  }

  /// Where one target size is a number nobody knows, the input's elements decide it.
  private static func reconciled(_ sizes: [Size], with input: [Size], total: Size) -> [Size] {
    let unknown = sizes.indices.filter { sizes[$0].known == nil && !input.contains(sizes[$0]) }
    guard unknown.count == 1, let axis = unknown.first,
      let rest = Size.product(sizes.indices.filter { $0 != axis }.map { sizes[$0] }),
      let size = total.dividedExactly(by: rest)
    else { return sizes }
    var sizes = sizes
    sizes[axis] = size
    return sizes
  }

  public func relateAxes(_ context: inout AxisContext) {
    Self.regroup(&context)
    if let output = context.node.output(0), let input = context.node.input(0) {
      context.sizeTerms[output.index] = context.sizeTerms[input.index]
    }
  }

  /// Relates the first input's axes to the first output's by matching cumulative sizes, row-major.
  static func regroup(_ context: inout AxisContext) {
    guard let input = context.input(0), let shape = context.outputShape() else {
      return context.fixInputs("its shape is known only at run time")
    }
    var output = [Axis?](repeating: nil, count: shape.count)
    let from = input.indices.filter { !context.size(input[$0]).isOne }
    let to = shape.indices.filter { !shape[$0].isOne }
    var (i, j) = (0, 0)
    var (lastI, lastJ) = (from.count, to.count)
    // Equal axes at the end pair up even where what stands before them is known only at run time.
    func pairTail() {
      while lastI > i, lastJ > j, context.size(input[from[lastI - 1]]) == shape[to[lastJ - 1]],
        context.size(input[from[lastI - 1]]).known == nil || !isBalanced(i..<lastI, j..<lastJ)
      {
        lastI -= 1
        lastJ -= 1
        output[to[lastJ]] = input[from[lastI]]
      }
    }
    func isBalanced(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
      guard let a = Size.product(left.map { context.size(input[from[$0]]) }),
        let b = Size.product(right.map { shape[to[$0]] })
      else { return false }
      return a == b
    }
    if !isBalanced(0..<from.count, 0..<to.count) { pairTail() }
    while i < lastI, j < lastJ {
      var (left, right) = ([from[i]], [to[j]])
      var (a, b) = (context.size(input[from[i]]), shape[to[j]])
      i += 1
      j += 1
      while a != b {
        // Grow the side that is a divisor of the other; where neither is, take one more of each that has more.
        if j < lastJ, a.dividedExactly(by: b) != nil || i >= lastI {
          guard let next = b.times(shape[to[j]]) else { break }
          b = next
          right.append(to[j])
          j += 1
        } else if i < lastI {
          guard let next = a.times(context.size(input[from[i]])) else { break }
          a = next
          left.append(from[i])
          i += 1
        } else {
          break
        }
      }
      relateBlock(&context, left.map { input[$0] }, right, shape, balanced: a == b, into: &output)
    }
    for axis in from[min(i, lastI)..<lastI] { context.fix(input[axis], "its elements are regrouped at run time") }
    context.setOutput(
      output.enumerated().map { axis, related in
        related
          ?? context.fixedAxis(shape[axis], shape[axis].isOne ? "its size is one" : "made by a reshape at run time")
      })
  }

  private static func relateBlock(
    _ context: inout AxisContext, _ input: [Axis], _ targets: [Int], _ shape: [Size], balanced: Bool,
    into output: inout [Axis?]
  ) {
    if balanced, input.count == 1, targets.count == 1 {
      output[targets[0]] = input[0]
      return
    }
    let vanishes = input.allSatisfy(\.vanishes)
    guard balanced else {
      context.fix(input, "its elements are regrouped at run time")
      for target in targets { output[target] = context.fixedAxis(shape[target], "made by a reshape at run time") }
      return
    }
    let parts = targets.map { context.dimensions.make(shape[$0]) }
    let whole = context.dimensions.product(input.map(\.dimension))
    let product = context.dimensions.product(parts)
    context.unify(whole, product)
    for (target, part) in zip(targets, parts) { output[target] = Axis(part, vanishes: vanishes) }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    try Self.adaptTarget(&context, zeroCopies: context.node.int("allowzero", default: 0) == 0)
  }

  /// Replaces a target that no longer gives the expected sizes. Sizes known only at run time are copied from the
  /// input's axis of the same place, left to `-1`, or taken from the target as the graph computes it.
  static func adaptTarget(_ context: inout RewriteContext, zeroCopies: Bool) throws(OperatorError) {
    guard let expected = context.expectedOutput() else { return }
    let input = context.facts(0).shape
    let computed = context.facts(1).contents
    if let computed, let input, resolve(computed, input, zeroCopies: zeroCopies) == expected { return }
    if context.node.input(1) == nil {
      guard let known = known(expected) else { throw OperatorError("its target shape cannot be rewritten") }
      return context.node.setAttribute("shape", .ints(known.map(Int64.init)))
    }
    var elements: [RewriteContext.MixedElement] = []
    var inferred = false
    for (axis, size) in expected.enumerated() {
      if let number = size.known, number != 0 || !zeroCopies {
        elements.append(.constant(number))
      } else if zeroCopies, let input, axis < input.count, input[axis] == size {
        elements.append(.constant(0))
      } else if let computed, axis < computed.count, computed[axis].size == size {
        elements.append(.computed(axis))
      } else if !inferred {
        inferred = true
        elements.append(.constant(-1))
      } else if context.originalOutput().shape == expected {
        // Nothing of this shape shrinks, and what computes it at run time is as it was.
        return
      } else {
        throw OperatorError("its target shape mixes sizes known at run time with sizes that shrink")
      }
    }
    let constants = elements.compactMap { element in if case .constant(let value) = element { value } else { nil } }
    if constants.count == elements.count {
      context.setInts(input: 1, constants)
    } else {
      context.setMixed(input: 1, elements)
    }
  }

  private static func known(_ sizes: [Size]) -> [Int]? {
    let known = sizes.compactMap(\.known)
    return known.count == sizes.count ? known : nil
  }

  private static func resolve(_ elements: [Element], _ input: [Size], zeroCopies: Bool) -> [Size]? {
    var sizes: [Size?] = []
    for (axis, element) in elements.enumerated() {
      guard case .int(let size) = element else { return nil }
      if size == .known(-1) {
        sizes.append(nil)
      } else if size == .known(0), zeroCopies {
        guard axis < input.count else { return nil }
        sizes.append(input[axis])
      } else {
        sizes.append(size)
      }
    }
    guard let hole = sizes.firstIndex(where: { $0 == nil }) else { return sizes.compactMap { $0 } }
    guard let total = Size.product(input), let rest = Size.product(sizes.compactMap { $0 }),
      let size = total.dividedExactly(by: rest)
    else { return nil }
    sizes[hole] = size
    return sizes.compactMap { $0 }
  }
}
