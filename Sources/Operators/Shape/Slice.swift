import Dimensions
import IR

/// `Slice`: cuts a dimension into what is before, inside and after the slice.
public struct Slice: Operator {
  public let names = [OperatorName("Slice")]
  public let isShapeArithmetic = true

  public func sizeInputs(_ node: Node) -> Set<Int> { [1, 2, 3, 4] }

  /// One axis's slice as the node spells it.
  private struct Cut {
    var axis: Int
    /// Position among starts and ends.
    var position: Int
    var start: Size?
    var end: Size?
    var step: Int?
  }

  private static func cuts(
    _ node: Node, rank: Int, sizes: (_ input: Int) -> [Size?]?
  ) -> [Cut]? {
    let isAttribute = node.inputs.count < 2
    func values(_ input: Int, _ name: String) -> [Size?]? {
      isAttribute ? node.ints(name)?.map { .known(Int($0)) } : sizes(input)
    }
    guard let starts = values(1, "starts"), let ends = values(2, "ends"), starts.count == ends.count else { return nil }
    let hasAxes = isAttribute ? node.ints("axes") != nil : node.input(3) != nil
    let axes: [Int]
    if hasAxes {
      guard let given = values(3, "axes") else { return nil }
      axes = given.compactMap { $0?.known }.map { $0 < 0 ? $0 + rank : $0 }
    } else {
      axes = Array(0..<starts.count)
    }
    guard axes.count == starts.count, axes.allSatisfy({ $0 >= 0 && $0 < rank }), Set(axes).count == axes.count else {
      return nil
    }
    var steps = [Size?](repeating: .known(1), count: starts.count)
    if node.input(4) != nil {
      guard let given = sizes(4), given.count == starts.count else { return nil }
      steps = given
    }
    return axes.indices.map {
      Cut(axis: axes[$0], position: $0, start: starts[$0], end: ends[$0], step: steps[$0]?.known)
    }
  }

  /// The elements a slice takes of an axis of known size.
  private static func indices(_ cut: Cut, of size: Int) -> StrideTo<Int>? {
    guard let start = cut.start?.known, let end = cut.end?.known, let step = cut.step, step != 0 else { return nil }
    func position(_ value: Int) -> Int { value < 0 ? (value < -size ? -1 : value + size) : value }
    if step > 0 {
      let (from, to) = (max(0, min(position(start), size)), max(0, min(position(end), size)))
      return stride(from: from, to: max(from, to), by: step)
    }
    // Backwards, a start before the axis is its first element, an end there lies before it.
    let from = min(max(0, position(start)), size - 1)
    let to = max(-1, min(position(end), size - 1))
    return stride(from: from, to: min(from, to), by: max(step, -max(size, 1)))
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard var shape = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    let facts = context
    guard let cuts = Self.cuts(context.node, rank: shape.count, sizes: { facts.contents($0)?.map(\.size) }) else {
      return context.setOutput(type: context.type(0), shape: shape.indices.map { context.freshSize(axis: $0) })
    }
    for cut in cuts {
      if let size = shape[cut.axis].known, let indices = Self.indices(cut, of: size) {
        shape[cut.axis] = .known(indices.underestimatedCount(of: size))
      } else {
        shape[cut.axis] = symbolicSize(&context, cut, shape[cut.axis])
      }
    }
    context.setOutput(type: context.type(0), shape: shape, contents: contents(context, cuts))
  }

  private func symbolicSize(_ context: inout ShapeContext, _ cut: Cut, _ size: Size) -> Size {
    guard cut.step == 1, let start = cut.start, let end = cut.end else { return context.freshSize(axis: cut.axis) }
    let isToEnd = end == size || (end.known ?? 0) >= Int(Int32.max)
    if start == .known(0), isToEnd { return size }
    if let from = start.known, from >= 0, isToEnd, let rest = size.minus(start) { return rest }
    if let from = start.known, let to = end.known, from >= 0, to < 0, let rest = size.minus(start)?.plus(end) {
      return rest
    }
    // A slice up to a size computed elsewhere is trusted to lie inside the axis, as exporters' masks do.
    if start == .known(0), end.known == nil { return end }
    return context.freshSize(axis: cut.axis)
  }

  private func contents(_ context: ShapeContext, _ cuts: [Cut]) -> [Element]? {
    guard let shape = context.shape(0), let all = context.contents(0) else { return nil }
    var indices = shape.map { Array(0..<max(0, $0.known ?? 0)) }
    for cut in cuts {
      guard let size = shape[cut.axis].known, let taken = Self.indices(cut, of: size) else { return nil }
      indices[cut.axis] = Array(taken)
    }
    return ContentsLayout.select(all, shape: shape, indices: indices)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard var axes = context.input(0), let shape = context.outputShape(), shape.count == axes.count else {
      return context.fixInputs("its shape is known only at run time")
    }
    let facts = context
    guard let cuts = Self.cuts(context.node, rank: axes.count, sizes: { facts.facts($0).contents?.map(\.size) }) else {
      context.fix(axes, "it is sliced at positions known only at run time")
      return context.setFixedOutput("it is sliced at positions known only at run time")
    }
    for cut in cuts {
      let axis = axes[cut.axis]
      guard let size = context.size(axis).known, let indices = Self.indices(cut, of: size) else {
        if context.size(axis) != shape[cut.axis] || context.size(axis).known != nil {
          context.fix(axis, "it is sliced at positions known only at run time")
          axes[cut.axis] = context.fixedAxis(shape[cut.axis], "it is sliced at positions known only at run time")
        }
        continue
      }
      let count = indices.underestimatedCount(of: size)
      if count == size, cut.step == 1 { continue }
      guard cut.step == 1, count > 0, let first = indices.first(where: { _ in true }) else {
        context.fix(axis, "it is sliced with a step")
        axes[cut.axis] = context.fixedAxis(shape[cut.axis], "it is sliced with a step")
        continue
      }
      let parts = [first, count, size - first - count].filter { $0 > 0 }.map { context.dimensions.make(.known($0)) }
      let sum = context.dimensions.sum(parts)
      context.unify(axis.dimension, sum)
      axes[cut.axis] = Axis(parts[first > 0 ? 1 : 0], vanishes: axis.vanishes)
    }
    context.setOutput(axes)
    relateSizes(&context, cuts)
  }

  private func relateSizes(_ context: inout AxisContext, _ cuts: [Cut]) {
    guard let input = context.node.input(0), let output = context.node.output(0),
      let terms = context.sizeTerms[input.index], cuts.count == 1,
      let indices = Self.indices(cuts[0], of: terms.count)
    else { return }
    context.sizeTerms[output.index] = indices.map { terms.indices.contains($0) ? terms[$0] : nil }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let shape = context.originalFacts(0).shape, let output = context.originalOutput().shape,
      let cuts = Self.cuts(context.node, rank: shape.count, sizes: { context.originalFacts($0).contents?.map(\.size) })
    else { return }
    var starts: [RewriteContext.MixedElement] = []
    var ends: [RewriteContext.MixedElement] = []
    var changed = false
    let isAttribute = context.node.inputs.count < 2
    let prunedStarts = isAttribute ? context.node.ints("starts")?.map { Int($0) } : nil
    let prunedEnds = isAttribute ? context.node.ints("ends")?.map { Int($0) } : nil
    for cut in cuts {
      guard let kept = context.keptIndices(0, cut.axis), let size = shape[cut.axis].known,
        let indices = Self.indices(cut, of: size)
      else {
        let start = Self.position(context, 1, cut.position, was: cut.start)
        let end = Self.position(context, 2, cut.position, was: cut.end)
        if start != .computed(cut.position) || end != .computed(cut.position) { changed = true }
        starts.append(prunedStarts.map { .constant($0[cut.position]) } ?? start)
        ends.append(prunedEnds.map { .constant($0[cut.position]) } ?? end)
        continue
      }
      let count = indices.underestimatedCount(of: size)
      let first = count == size ? 0 : indices.first(where: { _ in true }) ?? 0
      let start = kept.count { $0 < first }
      let end = kept.count { $0 < first + count }
      // An axis taken whole, however it is spelled, is still taken whole.
      let bounds = [(1, cut.start), (2, cut.end)]
      let isMoved = bounds.contains { Self.position(context, $0, cut.position, was: $1) != .computed(cut.position) }
      let reachesEnd = (cut.end?.known ?? 0) >= size
      let isWhole = count == size && output[cut.axis] == shape[cut.axis] && reachesEnd && !isMoved
      changed = changed || !isWhole
      starts.append(.constant(start))
      ends.append(.constant(isWhole ? max(end, cut.end?.known ?? end) : end))
    }
    guard changed else { return }
    if isAttribute {
      context.node.setAttribute("starts", .ints(Self.constants(starts).map(Int64.init)))
      context.node.setAttribute("ends", .ints(Self.constants(ends).map(Int64.init)))
      return
    }
    for (input, elements) in [(1, starts), (2, ends)] {
      let constants = Self.constants(elements)
      if constants.count == elements.count {
        context.setInts(input: input, constants)
      } else {
        context.setMixed(input: input, elements)
      }
    }
  }

  /// A position along an axis nothing is cut of: as the graph computes it, unless that follows a size that shrinks.
  private static func position(
    _ context: RewriteContext, _ input: Int, _ position: Int, was: Size?
  ) -> RewriteContext.MixedElement {
    guard let was = was?.known, let contents = context.facts(input).contents, position < contents.count,
      contents[position] != .int(was)
    else { return .computed(position) }
    return .constant(was)
  }

  private static func constants(_ elements: [RewriteContext.MixedElement]) -> [Int] {
    elements.compactMap { element in if case .constant(let value) = element { value } else { nil } }
  }
}

extension StrideTo<Int> {
  /// How many elements the stride has, at most `limit`.
  fileprivate func underestimatedCount(of limit: Int) -> Int {
    var count = 0
    for _ in self {
      count += 1
      if count >= limit { break }
    }
    return count
  }
}
