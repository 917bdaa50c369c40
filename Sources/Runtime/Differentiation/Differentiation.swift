import Analysis
import IR
import Operators

/// Reverse-mode differentiation, as a rewriting: adds to a graph the nodes that compute gradients of one of its values.
struct Differentiation {
  /// The model with the added nodes.
  private(set) var model: Model
  /// The gradients of the values that were asked for, by value; missing where the loss does not depend on one.
  private(set) var gradients: [ValueID: ValueID] = [:]

  /// - Parameters:
  ///   - bound: the model, with all sizes given.
  ///   - losses: the values gradients start from, each with the gradient it starts with; ones where that is `nil`,
  ///     which differentiates the sum of its elements.
  ///   - targets: initializers or other values.
  /// - Throws: where an operator between the targets and the loss has no gradient.
  init(
    _ bound: BoundModel, of losses: [(value: ValueID, seed: ValueID?)], towards targets: [ValueID],
    registry: OperatorRegistry = .runtime
  ) throws(RuntimeError) {
    model = bound.model
    let names = ValueNames(bound.model.valueNames)
    let wanted = Self.dependents(on: targets, bound)
    var context = GradientContext(
      shapes: bound.facts.indices.map { bound.shape(ValueID($0)) }, types: bound.facts.map(\.type),
      contents: Self.contents(bound), wanted: wanted, makeValue: names.make)
    for (loss, seed) in losses where wanted.contains(loss.index) {
      if let seed {
        context.gradients[loss.index] = seed
      } else {
        context.gradients[loss.index] = try Self.ones(like: loss, bound, &context)
      }
    }
    for index in bound.order.reversed() {
      let node = bound.model.graph.nodes[index]
      guard node.outputs.contains(where: { $0.map { context.gradients[$0.index] != nil } ?? false }),
        Self.reads(node).contains(where: { wanted.contains($0.index) })
      else { continue }
      let label = bound.label(node)
      guard let operation = registry(OperatorName(node.opType, domain: node.canonicalDomain)) else {
        throw RuntimeError.gradient(node: label, "\(node.opType) is not known, so it has no gradient")
      }
      context.node = node
      context.opset = bound.opset(of: node)
      do { try operation.differentiate(&context) } catch { throw .gradient(node: label, error.message) }
    }
    gradients = GradientResults.gather(of: targets, bound, &context)
    model.graph.nodes += context.emitted
    model.graph.initializers += context.constants
    model.valueNames = names.names
    if !model.opsetImports.contains(where: { $0.domain == OperatorName.ownDomain }) {
      model.opsetImports.append(OpsetImport(domain: OperatorName.ownDomain, version: 1))
    }
  }

  /// What a node depends on: its inputs, and what the graphs it carries take from outside.
  private static func reads(_ node: Node) -> [ValueID] {
    node.inputs.compactMap { $0 } + node.subgraphs.flatMap { $0.referencedValues() }
  }

  /// The values that change when the targets do, through floating-point numbers.
  private static func dependents(on targets: [ValueID], _ bound: BoundModel) -> Set<Int> {
    var wanted = Set(targets.map(\.index))
    for index in bound.order {
      let node = bound.model.graph.nodes[index]
      guard reads(node).contains(where: { wanted.contains($0.index) }) else { continue }
      for case let output? in node.outputs where bound.type(output)?.isFloatingPoint ?? true {
        wanted.insert(output.index)
      }
    }
    return wanted
  }

  private static func contents(_ bound: BoundModel) -> [Int: [Int]] {
    var contents: [Int: [Int]] = [:]
    for (index, facts) in bound.facts.enumerated() {
      if let ints = facts.knownInts { contents[index] = ints }
    }
    return contents
  }

  private static func ones(
    like value: ValueID, _ bound: BoundModel, _ context: inout GradientContext
  ) throws(RuntimeError) -> ValueID {
    guard let shape = bound.shape(value) else {
      throw RuntimeError("the loss \(bound.model.name(of: value)) has a shape that is not known before the model runs")
    }
    let one = context.scalar(1)
    return shape.isEmpty ? one : context.emit(.own("BroadcastTo"), one, context.vector(shape))
  }
}

/// Names for the values that rewriting adds.
final class ValueNames {
  private(set) var names: [String]
  private var taken: Set<String>

  init(_ names: [String]) {
    self.names = names
    taken = Set(names)
  }

  func make(_ name: String) -> ValueID {
    var unique = "\(name)/\(names.count)"
    while !taken.insert(unique).inserted { unique += "'" }
    names.append(unique)
    return ValueID(names.count - 1)
  }
}
