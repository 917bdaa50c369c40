import Dimensions
import IR
import Operators

/// Shapes, element types and folded shape arithmetic of every value of a model.
public struct ShapeInference: Sendable {
  public private(set) var facts: [Facts]
  public private(set) var symbols: SymbolTable
  /// Visits of nodes in bodies whose inputs contradict each other, which can only mean that they never run.
  public private(set) var contradictory: Set<Int> = []

  /// Where a model's own operators come from: functions it brings along shadow the registry.
  static func find(_ node: Node, in registry: OperatorRegistry, functions: Set<OperatorName>) -> (any Operator)? {
    let name = OperatorName(node.opType, domain: node.canonicalDomain)
    return functions.contains(name) ? nil : registry(name)
  }

  static func functions(of model: Model) -> Set<OperatorName> {
    Set(model.functions.map { OperatorName($0.name, domain: $0.domain == "ai.onnx" ? "" : $0.domain) })
  }

  static func opset(of node: Node, in model: Model) -> Int64 { model.opset(node.canonicalDomain) ?? 1 }

  /// Infers the shapes of a model, with nothing of the analysis that follows.
  /// - Throws: where a node's inputs contradict each other, or the graph has a cycle.
  public init(_ model: Model, registry: OperatorRegistry = .standard) throws(AnalysisError) {
    try self.init(model, walk: try GraphWalk(model), registry: registry)
  }

  /// - Throws: where a node's inputs contradict each other.
  init(_ model: Model, walk: GraphWalk, registry: OperatorRegistry) throws(AnalysisError) {
    var context = ShapeContext(
      facts: [Facts](repeating: .unknown, count: model.valueNames.count), symbols: SymbolTable())
    var declared: [ValueID: ValueInfo] = [:]
    for (steps, graph) in walk.graphs {
      Self.seed(&context, graph, isBody: !steps.isEmpty)
      for info in graph.valueInfo + graph.outputs { declared[info.value] = info }
    }
    facts = []
    symbols = SymbolTable()
    try visit(walk, &context, model: model, registry: registry, declared: declared)
    for info in model.graph.outputs { try Self.check(info, context.facts[info.value.index], model: model, walk: walk) }
    facts = context.facts
    symbols = context.symbols
  }

  /// Visits every node, and those in the body of a loop again until what the loop hands from one iteration to the next
  /// has settled.
  private mutating func visit(
    _ walk: GraphWalk, _ context: inout ShapeContext, model: Model, registry: OperatorRegistry,
    declared: [ValueID: ValueInfo]
  ) throws(AnalysisError) {
    let functions = Self.functions(of: model)
    var symbolCounts = [Int?](repeating: nil, count: walk.bodies.count)
    var again: Int?
    var count = 0
    var index = 0
    while index < walk.visits.count {
      let visit = walk.visits[index]
      // Coming back to a body, what was entered outside of it has been, and its own inputs are as they settled.
      for body in again.map({ again in visit.entered.drop { $0 <= again } }) ?? visit.entered[...] {
        if symbolCounts[body] == nil { symbolCounts[body] = context.symbols.meanings.count }
        let holder = walk.visits[walk.bodies[body].end].node
        Self.prepare(holder, &context, model: model)
        (Self.find(holder, in: registry, functions: functions) as? any IterativeOperator)?.enterBody(&context)
      }
      again = nil
      count += 1
      context.isHasty = count > 16 * walk.visits.count
      Self.prepare(visit.node, &context, model: model)
      if let body = visit.body {
        context.outerSymbolCount = symbolCounts[body] ?? 0
        let found = Self.find(visit.node, in: registry, functions: functions)
        if let iterative = found as? any IterativeOperator, !iterative.settleBody(&context) {
          index = walk.bodies[body].begin
          again = body
          continue
        }
      }
      contradictory.remove(index)
      do {
        try Self.infer(visit.node, &context, model: model, registry: registry, functions: functions)
      } catch {
        // A branch that is never taken, or a loop that never runs, may hold what could not be computed.
        guard !visit.path.steps.isEmpty else { throw error }
        contradictory.insert(index)
        for case let output? in visit.node.outputs { context.facts[output.index] = .unknown }
      }
      for case let output? in visit.node.outputs where context.facts[output.index].shape == nil {
        guard let info = declared[output] else { continue }
        Self.apply(info, to: &context)
      }
      index += 1
    }
  }

  private static func prepare(_ node: Node, _ context: inout ShapeContext, model: Model) {
    context.node = node
    context.opset = opset(of: node, in: model)
  }

  /// What a model promises of its outputs must not contradict what its nodes make. Declarations of values in between
  /// are only notes, which runtimes ignore where they are wrong.
  private static func check(
    _ info: ValueInfo, _ facts: Facts, model: Model, walk: GraphWalk
  ) throws(AnalysisError) {
    guard let declared = info.type?.tensor else { return }
    let name = model.name(of: info.value)
    func contradiction(_ what: String) -> AnalysisError {
      let maker = walk.visits.last { $0.node.outputs.contains(info.value) }?.node
      return AnalysisError(
        node: maker?.label(in: model) ?? name, message: "its output \(name) \(what)")
    }
    if let type = facts.type, let number = declared.elementType, number != 0, number != type.rawValue {
      let spelled = DataType(rawValue: number).map { "\($0)" } ?? "\(number)"
      throw contradiction("is declared as \(spelled) but is \(type)")
    }
    guard let shape = facts.shape, let sizes = declared.shape else { return }
    guard sizes.count == shape.count else {
      throw contradiction("is declared with \(sizes.count) axes but has \(shape.count)")
    }
    for (axis, size) in sizes.enumerated() {
      guard case .known(let value) = size.extent, value >= 0, let known = shape[axis].known else { continue }
      guard value == known else {
        throw contradiction("is declared with \(value) along axis \(axis) but has \(known)")
      }
    }
  }

  static func infer(
    _ node: Node, _ context: inout ShapeContext, model: Model, registry: OperatorRegistry,
    functions: Set<OperatorName>
  ) throws(AnalysisError) {
    prepare(node, &context, model: model)
    let found = find(node, in: registry, functions: functions)
    let isConstant =
      found != nil && node.inputs.allSatisfy { $0.map { context.facts[$0.index].isConstant } ?? true }
      && node.subgraphs.isEmpty
    do {
      try found?.inferShapes(&context)
    } catch {
      throw AnalysisError(node: node.label(in: model), message: "\(node.opType): \(error.message)")
    }
    for case let output? in node.outputs { context.facts[output.index].isConstant = isConstant }
  }

  /// What is known before any node is visited: initializers and graph inputs.
  private static func seed(_ context: inout ShapeContext, _ graph: Graph, isBody: Bool) {
    for initializer in graph.initializers { seed(&context, initializer) }
    for initializer in graph.sparseInitializers {
      context.facts[initializer.value.index] = Facts(
        type: initializer.dataType, shape: initializer.shape.map { .known($0) }, isConstant: true)
    }
    for input in graph.inputs where context.facts[input.value.index].shape == nil { apply(input, to: &context) }
  }

  static func seed(_ context: inout ShapeContext, _ initializer: Initializer) {
    context.facts[initializer.value.index] = Facts(of: initializer.tensor)
  }

  private static func apply(_ info: ValueInfo, to context: inout ShapeContext) {
    guard let type = info.type?.tensor else { return }
    let index = info.value.index
    if context.facts[index].type == nil {
      context.facts[index].type = type.elementType.flatMap(DataType.init(rawValue:))
    }
    guard let shape = type.shape else { return }
    context.facts[index].shape = shape.enumerated().map { axis, size in
      switch size.extent {
      case .known(let value) where 0...Int64(ShapeContext.sizeLimit) ~= value: .known(Int(value))
      case .symbol(let name) where !name.isEmpty: context.symbols.size(of: .named(name))
      default: context.symbols.size(of: .anonymous(value: index, axis: axis))
      }
    }
  }
}
