import Dimensions
import IR

/// `Einsum`: axes with one label are one dimension; labels missing from the output are summed over.
public struct Einsum: Operator {
  public let names = [OperatorName("Einsum")]

  struct Equation {
    var inputs: [[Character]]
    var output: [Character]

    /// Whether an operand is read along a diagonal.
    var takesDiagonals: Bool { inputs.contains { Set($0).count != $0.count } }
  }

  /// The equation of operands of these ranks; `nil` where it is not understood.
  func equation(_ node: Node, ranks: [Int?]) -> Equation? {
    guard let text = node.string("equation")?.filter({ !$0.isWhitespace }) else { return nil }
    let sides = text.split(separator: ">", omittingEmptySubsequences: false)
    guard sides.count <= 2, sides.count == 1 || sides[0].last == "-" else { return nil }
    let terms = (sides.count == 2 ? sides[0].dropLast() : sides[0]).split(
      separator: ",", omittingEmptySubsequences: false)
    guard terms.count == node.inputs.count, ranks.count == terms.count else { return nil }
    var (inputs, spread): ([[Character]], Int) = ([], 0)
    for (term, rank) in zip(terms, ranks) {
      guard let parts = Self.parts(term) else { return nil }
      let named = parts.before.count + (parts.after?.count ?? 0)
      guard let after = parts.after else {
        inputs.append(parts.before)
        continue
      }
      guard let rank, rank >= named, rank <= 64 else { return nil }
      spread = max(spread, rank - named)
      inputs.append(parts.before + Self.ellipsis(rank - named) + after)
    }
    if sides.count == 2 {
      guard let parts = Self.parts(sides[1]) else { return nil }
      let output = parts.before + (parts.after.map { Self.ellipsis(spread) + $0 } ?? [])
      return Set(output).count == output.count ? Equation(inputs: inputs, output: output) : nil
    }
    let spreadLabels = Self.ellipsis(spread)
    let counts = inputs.joined().reduce(into: [Character: Int]()) { $0[$1, default: 0] += 1 }
    let single = counts.filter { $0.value == 1 && !spreadLabels.contains($0.key) }.keys.sorted()
    return Equation(inputs: inputs, output: spreadLabels + single)
  }

  /// The labels before and after an ellipsis; none after where there is no ellipsis.
  private static func parts(_ term: Substring) -> (before: [Character], after: [Character]?)? {
    guard let dot = term.firstIndex(of: ".") else { return (Array(term), nil) }
    let rest = term[dot...]
    guard rest.hasPrefix("..."), !rest.dropFirst(3).contains(".") else { return nil }
    return (Array(term[..<dot]), Array(rest.dropFirst(3)))
  }

  /// Labels no equation spells, for the axes an ellipsis stands for: paired from the last one backwards.
  private static func ellipsis(_ count: Int) -> [Character] {
    (0..<count).reversed().compactMap { Unicode.Scalar(UInt32(0xE000 + $0)).map { Character($0) } }
  }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    let ranks = context.node.inputs.indices.map { context.shape($0)?.count }
    guard let equation = equation(context.node, ranks: ranks) else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    var sizes: [Character: Size] = [:]
    for (index, labels) in equation.inputs.enumerated() {
      guard let shape = context.shape(index) else { return context.setOutput(type: context.type(0), shape: nil) }
      guard shape.count == labels.count else {
        throw OperatorError("operand \(index) has \(shape.count) axes, its labels name \(labels.count)")
      }
      for (label, size) in zip(labels, shape) {
        if let known = sizes[label]?.known, let other = size.known, known != other, known != 1, other != 1 {
          throw OperatorError("label \(label) names axes of \(known) and \(other) elements")
        }
        if sizes[label]?.known ?? 1 == 1 { sizes[label] = size }
      }
    }
    let shape = equation.output.compactMap { sizes[$0] }
    context.setOutput(type: context.type(0), shape: shape.count == equation.output.count ? shape : nil)
  }

  public func relateAxes(_ context: inout AxisContext) {
    let ranks = context.node.inputs.indices.map { context.shape($0)?.count }
    guard let equation = equation(context.node, ranks: ranks), !equation.takesDiagonals else {
      return context.fixInputs("its equation is not understood")
    }
    var labelled: [Character: [Axis]] = [:]
    var order: [Character] = []
    for (index, labels) in equation.inputs.enumerated() {
      guard let axes = context.input(index), axes.count == labels.count else {
        return context.fixInputs("an operand has an unknown rank")
      }
      for (label, axis) in zip(labels, axes) where !context.size(axis).isOne {
        if labelled[label] == nil { order.append(label) }
        labelled[label, default: []].append(axis)
      }
      noteRoles(&context, index, labels, equation)
    }
    var result: [Character: Axis] = [:]
    for label in order {
      guard let axes = labelled[label], let first = axes.first else { continue }
      for axis in axes.dropFirst() { context.unify(first, axis) }
      let axis = Axis(first.dimension, vanishes: axes.contains(where: \.vanishes))
      result[label] = axis
      if !equation.output.contains(label) { context.sumOver(axis, "Einsum sums over it") }
      noteEvidence(&context, label, axis, equation)
    }
    context.setOutput(equation.output.map { result[$0] ?? context.fixedAxis(.known(1), "its size is one") })
  }

  private func noteRoles(_ context: inout AxisContext, _ input: Int, _ labels: [Character], _ equation: Equation) {
    guard context.isWeight(input) else { return }
    for (axis, label) in labels.enumerated() {
      context.role(input, axis: axis, equation.output.contains(label) ? .producer : .consumer)
    }
  }

  private func noteEvidence(_ context: inout AxisContext, _ label: Character, _ axis: Axis, _ equation: Equation) {
    let isWeighted = equation.inputs.indices.contains { context.isWeight($0) }
    if isWeighted {
      context.note(equation.output.contains(label) ? .denseOutput : .denseInput, axis)
    } else if !equation.output.contains(label) {
      context.note(.attentionContraction, axis)
    } else if equation.inputs.allSatisfy({ $0.contains(label) }) {
      context.note(.attentionBatch, axis)
    } else if equation.output.last == label {
      context.note(.attentionValueWidth, axis)
    }
  }

  public func macs(_ context: MACContext) -> [MACTerm] {
    let ranks = context.node.inputs.indices.map { context.dimensions($0)?.count }
    guard let equation = equation(context.node, ranks: ranks), !equation.takesDiagonals else { return [] }
    var dimensions: [Character: DimensionID] = [:]
    var order: [Character] = []
    for (index, labels) in equation.inputs.enumerated() {
      guard let axes = context.dimensions(index), axes.count == labels.count else { return [] }
      for (label, dimension) in zip(labels, axes) where dimensions[label] == nil {
        dimensions[label] = dimension
        order.append(label)
      }
    }
    return [MACTerm(axes: order.compactMap { dimensions[$0] })]
  }
}
