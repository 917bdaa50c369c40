import Dimensions
import IR

/// `Expand`: repeats axes of size one. Repeated heads are a free dimension of their own: all copies are equal, so any
/// number of them may stay.
public struct Expand: Operator {
  public let names = [OperatorName("Expand")]

  public var shapeInput: Int? { 1 }
  public func sizeInputs(_ node: Node) -> Set<Int> { [1] }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let input = context.shape(0) else { return context.setOutput(type: context.type(0), shape: nil) }
    guard let contents = context.contents(1) else {
      guard let rank = context.shape(1)?.first?.known, rank <= 64 else {
        return context.setOutput(type: context.type(0), shape: nil)
      }
      let count = max(rank, input.count)
      return context.setOutput(type: context.type(0), shape: (0..<count).map { context.freshSize(axis: $0) })
    }
    let target = contents.enumerated().map { axis, element in element.size ?? context.freshSize(axis: axis) }
    let shape = try context.broadcast([input, target])
    let contents0 = Size.product(shape ?? [])?.known == 1 ? context.contents(0) : nil
    context.setOutput(type: context.type(0), shape: shape, contents: contents0)
  }

  public func relateAxes(_ context: inout AxisContext) {
    guard let input = context.input(0), let shape = context.outputShape() else {
      return context.fixInputs("its shape is known only at run time")
    }
    let terms = context.node.input(1).flatMap { context.sizeTerms[$0.index] }
    var axes: [Axis] = []
    for (position, size) in shape.enumerated() {
      let offset = position - shape.count + input.count
      let termOffset = position - shape.count + (terms?.count ?? 0)
      let term = termOffset >= 0 ? terms?[termOffset] : nil
      if offset >= 0, context.size(input[offset]) == size {
        axes.append(input[offset])
      } else if offset >= 0, !context.size(input[offset]).isOne {
        context.fix(input[offset], "it may broadcast at run time")
        axes.append(context.fixedAxis(size, "it may broadcast at run time"))
      } else if let term, context.dimensions.size(term) == size {
        axes.append(Axis(term, vanishes: false))
      } else if size.known != nil, context.facts(1).contents != nil {
        let repeated = Axis(context.dimensions.make(size), vanishes: false)
        context.note(.repeatedHeads, repeated)
        axes.append(repeated)
      } else {
        axes.append(context.fixedAxis(size, "its size is known only at run time"))
      }
    }
    if !isWritable(context, shape) {
      for axis in axes where context.size(axis).known != nil {
        context.fix(axis, "its shape mixes sizes known at run time with others")
      }
    }
    context.setOutput(axes)
  }

  /// Whether the shape can be written anew when some of it shrinks: sizes known only at run time have to be elements
  /// of the input as it is.
  private func isWritable(_ context: AxisContext, _ shape: [Size]) -> Bool {
    let contents = context.facts(1).contents
    return shape.indices.allSatisfy { axis in
      let position = axis - shape.count + (contents?.count ?? 0)
      guard shape[axis].known == nil else { return true }
      guard let contents, position >= 0 else { return false }
      return contents[position].size == shape[axis] || contents[position].size?.isOne == true
    }
  }

  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {
    guard let expected = context.expectedOutput(), let input = context.facts(0).shape else { return }
    if let computed = context.facts(1).contents {
      let target = computed.map { $0.size }
      let agrees = expected.indices.allSatisfy { axis in
        let t = axis - expected.count + target.count
        let i = axis - expected.count + input.count
        let size = t >= 0 ? target[t] : nil
        let own = i >= 0 ? input[i] : .known(1)
        return size == expected[axis] || (own == expected[axis] && (size == nil ? t < 0 : size?.isOne == true))
      }
      if agrees { return }
    }
    try Self.adaptSizes(&context, input: 1)
  }

  /// Replaces a vector of sizes by the expected ones, keeping computed elements where sizes are known at run time.
  static func adaptSizes(_ context: inout RewriteContext, input: Int) throws(OperatorError) {
    guard let expected = context.expectedOutput() else { return }
    let computed = context.facts(input).contents
    if let computed, computed.map(\.size) == expected.map(Optional.init) { return }
    var elements: [RewriteContext.MixedElement] = []
    for (axis, size) in expected.enumerated() {
      let position = axis - expected.count + (computed?.count ?? 0)
      if let number = size.known {
        elements.append(.constant(number))
      } else if let computed, position >= 0, computed[position].size == size || computed[position].size?.isOne == true {
        elements.append(.computed(position))
      } else if context.originalOutput().shape == expected {
        // Nothing of this shape shrinks, and what computes it at run time is as it was.
        return
      } else {
        throw OperatorError("its shape mixes sizes known at run time with sizes that shrink")
      }
    }
    let constants = elements.compactMap { element in if case .constant(let value) = element { value } else { nil } }
    if constants.count == elements.count {
      context.setInts(input: input, constants)
    } else {
      context.setMixed(input: input, elements)
    }
  }
}
