import Analysis
import Dimensions
import IR
import Kernels
import Operators

/// Turns a model with given input shapes into the steps of a ``Program``: folds what is constant, makes kernels, and
/// plans the memory.
struct ProgramCompiler {
  /// What is known before any input is.
  struct Givens {
    /// Tensors in memory already, the master copies of trained weights among them.
    var variables: [ValueID: RuntimeValue] = [:]
  }

  let bound: BoundModel
  let registry: OperatorRegistry
  let options: RuntimeOptions
  let outputs: [ValueID]
  let inputs: [ValueID]
  private(set) var places: [Place]
  private(set) var steps: [Step] = []
  private(set) var requests: [MemoryPlan.Request] = []
  /// Outputs that are written where a run returns them, by position among all.
  private(set) var results: [Int] = []
  /// How many steps compute what was there before the graph was differentiated.
  private(set) var forwardStepCount = 0
  /// Why nodes cannot be run, one entry a node.
  private var refusals: [(node: String, reason: String)] = []
  /// The value whose memory a value lies in.
  private var roots: [ValueID: ValueID] = [:]
  private var check: DeferredCheck
  private var lastUses: [ValueID: Int] = [:]
  private var births: [ValueID: Int] = [:]

  private var folded: FoldedConstants
  /// Variables and what is computed of them: what shape inference knows of their contents is true before training only.
  private var changing: Set<ValueID>

  /// - Parameter returnsOutputs: whether the program is run as a whole, and what it returns is used after the next run.
  init(
    _ bound: BoundModel, inputs: [ValueID], outputs: [ValueID], givens: Givens, constants: ConstantPool,
    options: RuntimeOptions, registry: OperatorRegistry = .runtime, forwardNodeCount: Int? = nil,
    returnsOutputs: Bool = true
  ) throws(RuntimeError) {
    self.bound = bound
    self.registry = registry
    check = DeferredCheck(bound, registry: registry, precision: options.precision)
    self.options = options
    self.inputs = inputs
    self.outputs = outputs
    places = [Place](repeating: .none, count: bound.model.valueNames.count)
    for (index, input) in inputs.enumerated() { places[input.index] = .input(index) }
    let needed = Self.needed(bound, outputs: outputs)
    folded = FoldedConstants(nodes: [], outputs: [], constantBytes: 0)
    changing = []
    for initializer in bound.model.graph.initializers where needed.values.contains(initializer.value) {
      if case .input = places[initializer.value.index] { continue }
      places[initializer.value.index] = .constant(
        try constants.value(initializer.value, initializer.tensor, precision: options.precision))
    }
    for (value, variable) in givens.variables { places[value.index] = .variable(variable) }
    changing = Set(givens.variables.keys)
    folded = FoldedConstants(
      nodes: bound.order.filter(needed.nodes.contains).map { bound.model.graph.nodes[$0] }, outputs: outputs,
      constantBytes: constantBytes)
    for index in bound.order where needed.nodes.contains(index) {
      try add(bound.model.graph.nodes[index])
      if index < forwardNodeCount ?? Int.max { forwardStepCount = steps.count }
    }
    try refuse()
    try checkOutputs()
    planMemory(returnsOutputs: returnsOutputs)
  }

  /// The nodes outputs depend on, and what they read.
  private static func needed(_ bound: BoundModel, outputs: [ValueID]) -> (nodes: Set<Int>, values: Set<ValueID>) {
    var values = Set(outputs)
    var nodes: Set<Int> = []
    for index in bound.order.reversed() {
      let node = bound.model.graph.nodes[index]
      guard node.outputs.contains(where: { $0.map(values.contains) ?? false }) else { continue }
      nodes.insert(index)
      for case let input? in node.inputs { values.insert(input) }
      for body in node.subgraphs { values.formUnion(body.referencedValues()) }
    }
    return (nodes, values)
  }

  // MARK: Nodes

  private mutating func add(_ node: Node) throws(RuntimeError) {
    let label = bound.label(node)
    let name = OperatorName(node.opType, domain: node.canonicalDomain)
    let isFunction = bound.isFunction(name)
    guard !isFunction, let operation = registry(name) else {
      refusals.append((label, isFunction ? BoundModel.functionReason : BoundModel.unknownReason))
      return
    }
    try checkSizes(node, label)
    if try foldKnown(node, operation) { return }
    var step = Step(work: .deferred(operation), node: node, label: label, opset: bound.opset(of: node))
    if !node.subgraphs.isEmpty {
      guard let flow = ControlFlow(node, in: bound.model, options: options) else {
        refusals.append((label, "its bodies are not understood"))
        return
      }
      refusals += check.refusals(inBodiesOf: node)
      step.work = .controlFlow(flow)
    } else if let context = staticContext(node, opset: step.opset) {
      do throws(KernelError) {
        let kernel = try operation.checkedKernel(context)
        if try fold(node, kernel, context) { return }
        step.work = .kernel(kernel)
      } catch {
        switch error {
        case .needsContents: break
        case .unsupported(let reason): refusals.append((label, reason))
        case .invalid(let reason): throw RuntimeError(node: label, reason)
        }
      }
    } else if let reason = check.refusal(
      of: node, operation, opset: step.opset, constants: constants(node))
    {
      refusals.append((label, reason))
    }
    for case let output? in node.outputs { places[output.index] = hasKnownSize(output) ? .arena(-1) : .heap }
    steps.append(step)
  }

  /// Refuses an output whose known shape is negative along an axis or larger than any memory.
  private func checkSizes(_ node: Node, _ label: String) throws(RuntimeError) {
    for case let output? in node.outputs {
      guard let shape = bound.shape(output), let type = bound.type(output) else { continue }
      let storage = options.precision.storage(type)
      // Strings have no size in memory, whatever their shape.
      guard RuntimeValue.elementBytes(storage) != nil, RuntimeValue.byteCount(storage, shape) == nil else { continue }
      throw RuntimeError(
        node: label,
        "output \(bound.model.name(of: output)) of shape \(shape) cannot be held in memory: change the sizes or "
          + "attributes it follows from"
      )
    }
  }

  private func hasKnownSize(_ value: ValueID) -> Bool {
    guard let shape = bound.shape(value), let type = bound.type(value) else { return false }
    return RuntimeValue.byteCount(options.precision.storage(type), shape) != nil
  }

  /// Shape arithmetic whose results are known already.
  private mutating func foldKnown(_ node: Node, _ operation: any Operator) throws(RuntimeError) -> Bool {
    if node.inputs.contains(where: { $0.map(changing.contains) ?? false }) {
      // The shape of a weight stays as it is.
      if !operation.readsShapeAlone { changing.formUnion(node.outputs.compactMap { $0 }) }
      return false
    }
    var values: [(value: ValueID, result: RuntimeValue)] = []
    for case let output? in node.outputs {
      let facts = bound.facts[output.index]
      guard let contents = facts.contents, let shape = bound.shape(output), let type = facts.type,
        contents.count == shape.reduce(1, *),
        let value = try RuntimeValue(contents, type: type, shape: shape, precision: options.precision)
      else { return false }
      values.append((output, value))
    }
    keep(values, of: node)
    return true
  }

  /// Keeps what a node computes that need not run any more, and lets go of what it alone has read.
  private mutating func keep(
    _ results: [(value: ValueID, result: RuntimeValue)], of node: Node, inViewOf source: Buffer? = nil
  ) {
    for (value, result) in results where folded.isRead(value) {
      places[value.index] = .constant(result)
      folded.keep(result.buffer, isOwned: result.buffer !== source)
    }
    for value in folded.finish(node) {
      guard case .constant(let constant) = places[value.index] else { continue }
      folded.release(constant.buffer)
      places[value.index] = .none
    }
  }

  /// What an operator's kernel is made from; `nil` where a shape is not known yet.
  private func staticContext(_ node: Node, opset: Int64) -> KernelContext? {
    var context = KernelContext(node: node, opset: opset, inputs: [], outputs: [])
    for input in node.inputs {
      guard let input else {
        context.inputs.append(nil)
        continue
      }
      if case .heap = places[input.index] { return nil }
      guard let operand = operand(input) else { return nil }
      context.inputs.append(operand)
    }
    for output in node.outputs {
      guard let output else {
        context.outputs.append(nil)
        continue
      }
      guard let operand = operand(output) else { return nil }
      context.outputs.append(operand)
    }
    return context
  }

  /// The inputs of a node that are known already.
  private func constants(_ node: Node) -> [ValueID: KernelContext.Operand] {
    var constants: [ValueID: KernelContext.Operand] = [:]
    for case let input? in node.inputs {
      if case .constant = places[input.index] { constants[input] = operand(input) }
    }
    return constants
  }

  private func operand(_ value: ValueID) -> KernelContext.Operand? {
    switch places[value.index] {
    case .constant(let constant):
      return KernelContext.Operand(
        declaredType: constant.declaredType, type: constant.type, shape: constant.shape,
        contents: constant.buffer.bytes)
    default:
      guard let shape = bound.shape(value), let type = bound.type(value),
        RuntimeValue.byteCount(options.precision.storage(type), shape) != nil
      else { return nil }
      return KernelContext.Operand(declaredType: type, type: options.precision.storage(type), shape: shape)
    }
  }

  /// Computes a node all of whose inputs are constants.
  private mutating func fold(
    _ node: Node, _ kernel: Kernel, _ context: KernelContext
  ) throws(KernelError) -> Bool {
    guard !node.opType.hasPrefix("Random"), node.opType != "Bernoulli", node.opType != "Multinomial" else {
      return false
    }
    var inputs: [RuntimeValue?] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard case .constant(let constant) = places[input.index] else { return false }
      inputs.append(constant)
    }
    let source = kernel.sharing == .view ? inputs.first.flatMap { $0 }?.buffer : nil
    let sizes = context.outputs.enumerated().map { index, operand -> Int? in
      // A view takes no memory, and unused outputs none either.
      guard let operand, source == nil || index > 0 else { return 0 }
      return RuntimeValue.byteCount(operand.type, operand.shape)
    }
    let known = sizes.compactMap { $0 }
    guard known.count == sizes.count,
      folded.allows(known.reduce(0, +), madeOf: inputs.reduce(0) { $0 + ($1?.buffer.byteCount ?? 0) })
    else { return false }
    var results: [RuntimeValue?] = []
    for (operand, bytes) in zip(context.outputs, known) {
      guard let operand else {
        results.append(nil)
        continue
      }
      do throws(RuntimeError) {
        let buffer: Buffer
        if results.isEmpty, let source { buffer = source } else { buffer = try Buffer(byteCount: bytes) }
        results.append(
          RuntimeValue(
            buffer: buffer, type: operand.type, declaredType: operand.declaredType,
            shape: operand.shape))
      } catch {
        throw .invalid(error.description)
      }
    }
    try kernel.run(inputs, results, workers: options.workers)
    var values: [(value: ValueID, result: RuntimeValue)] = []
    for (output, result) in zip(node.outputs, results) {
      if let output, let result { values.append((output, result)) }
    }
    keep(values, of: node, inViewOf: source)
    return true
  }

  /// Says by name all that cannot be run, before anything does.
  private func refuse() throws(RuntimeError) {
    guard let first = refusals.first else { return }
    let others = refusals.count == 1 ? "" : " (and \(refusals.count - 1) more nodes)"
    throw RuntimeError("cannot run node \(first.node): \(first.reason)\(others)")
  }

  private func checkOutputs() throws(RuntimeError) {
    for output in outputs {
      guard case .none = places[output.index] else { continue }
      throw RuntimeError("nothing computes the output \(bound.model.name(of: output))")
    }
  }

  // MARK: Memory

  private func root(_ value: ValueID) -> ValueID {
    var value = value
    while let next = roots[value] { value = next }
    return value
  }

  /// Values that lie in the memory of others, and how long that memory is needed.
  private mutating func planMemory(returnsOutputs: Bool) {
    for step in steps {
      guard case .kernel(let kernel) = step.work, kernel.sharing == .view, let output = step.node.output(0),
        let input = step.node.input(0)
      else { continue }
      roots[output] = input
      places[output.index] = view(output, of: places[root(input).index])
    }
    measureLifetimes()
    for (index, step) in steps.enumerated() {
      guard case .kernel(let kernel) = step.work, case .overwrites(let candidates) = kernel.sharing else { continue }
      overwrite(step, index, candidates)
    }
    if returnsOutputs { placeResults() }
    for index in places.indices {
      guard case .arena = places[index] else { continue }
      let value = ValueID(index)
      guard roots[value] == nil else { continue }
      let birth = births[value] ?? 0
      places[index] = .arena(requests.count)
      requests.append(
        MemoryPlan.Request(byteCount: bytes(value), lifetime: birth...max(birth, lastUses[value] ?? birth)))
    }
    for value in roots.keys { places[value.index] = view(value, of: places[root(value).index]) }
    for (index, step) in steps.enumerated() {
      guard case .kernel(let kernel) = step.work, kernel.scratchBytes > 0 else { continue }
      steps[index].scratch = requests.count
      requests.append(MemoryPlan.Request(byteCount: kernel.scratchBytes, lifetime: index...index))
    }
    release()
  }

  /// Of outputs in the same memory the first is returned as it is; the others are copied.
  private mutating func placeResults() {
    for (index, output) in outputs.enumerated() {
      let root = root(output)
      guard case .arena = places[root.index], bytes(root) == bytes(output) else { continue }
      places[root.index] = .result(results.count)
      results.append(index)
    }
  }

  /// The place of a value that lies in another's memory: what it holds has a shape and a type of its own.
  private func view(_ value: ValueID, of place: Place) -> Place {
    func retyped(_ source: RuntimeValue) -> RuntimeValue {
      RuntimeValue(
        buffer: source.buffer, type: source.type, declaredType: bound.type(value) ?? source.declaredType,
        shape: bound.shape(value) ?? source.shape)
    }
    return switch place {
    case .constant(let constant): .constant(retyped(constant))
    case .variable(let variable): .variable(retyped(variable))
    case .none, .input, .arena, .result, .heap: place
    }
  }

  private func bytes(_ value: ValueID) -> Int {
    guard let shape = bound.shape(value), let type = bound.type(value) else { return 0 }
    return RuntimeValue.byteCount(options.precision.storage(type), shape) ?? 0
  }

  /// What the arena is for, for the error that there is no memory for it.
  var planDescription: String {
    let values = places.indices.filter { if case .arena = places[$0] { true } else { false } }.map { ValueID($0) }
    guard let largest = values.max(by: { bytes($0) < bytes($1) }) else { return "running the model" }
    return "running the model, whose largest tensor is \(bound.model.name(of: largest)) of shape "
      + "\(bound.shape(largest) ?? []),"
  }

  /// Bytes of all constants the program reads or returns, in memory or in a file, each counted once.
  var constantBytes: Int {
    heldBytes { place in if case .constant(let constant) = place { constant.buffer } else { nil } }
  }

  /// Bytes of the weights that change between runs.
  var variableBytes: Int {
    heldBytes { place in if case .variable(let variable) = place { variable.buffer } else { nil } }
  }

  /// Bytes of the outputs that lie outside of the arena.
  var resultBytes: Int { results.reduce(0) { $0 + bytes(outputs[$1]) } }

  /// Bytes of what folding has made.
  var foldedBytes: Int { folded.byteCount }

  private func heldBytes(_ buffer: (Place) -> Buffer?) -> Int {
    var seen: Set<ObjectIdentifier> = []
    return places.reduce(0) { sum, place in
      guard let buffer = buffer(place), seen.insert(ObjectIdentifier(buffer)).inserted else { return sum }
      return sum + buffer.byteCount
    }
  }

  private mutating func measureLifetimes() {
    for (index, step) in steps.enumerated() {
      for value in reads(step) { lastUses[root(value)] = index }
      for case let output? in step.node.outputs {
        if births[root(output)] == nil { births[root(output)] = index }
        lastUses[root(output)] = max(lastUses[root(output)] ?? index, index)
      }
    }
    for output in outputs { lastUses[root(output)] = steps.count }
  }

  private func reads(_ step: Step) -> [ValueID] {
    var values = step.node.inputs.compactMap { $0 }
    if case .controlFlow(let flow) = step.work { values += flow.captured }
    return values
  }

  /// Lets a kernel write over an input that nothing reads afterwards.
  private mutating func overwrite(_ step: Step, _ index: Int, _ candidates: [Int]) {
    guard let output = step.node.output(0), roots[output] == nil else { return }
    for candidate in candidates {
      guard let input = step.node.input(candidate) else { continue }
      let root = root(input)
      guard case .arena = places[root.index], lastUses[root] == index, births[root] != index,
        bytes(input) == bytes(output), bytes(root) == bytes(output),
        step.node.inputs.indices.allSatisfy({ position in
          guard let other = step.node.input(position), self.root(other) == root else { return true }
          // What the node reads twice must not be gone when it is read again, unless each place may be written over:
          // then it is the same element of both that is read before it is written.
          return other == input && candidates.contains(position)
        })
      else { continue }
      lastUses[root] = lastUses[output]
      roots[output] = root
      return
    }
  }

  /// Says after which steps values outside of the arena are let go.
  private mutating func release() {
    for index in places.indices {
      guard case .heap = places[index], let last = lastUses[root(ValueID(index))], last < steps.count else { continue }
      steps[last].releases.append(ValueID(index))
    }
  }
}
