import Analysis
import Dimensions
import IR
import Kernels
import Operators

/// A model compiled for given input shapes: kernels in order, in memory laid out before the first run.
///
/// Runs one call at a time; what a run returns is in memory of its own.
final class Program {
  private let compiled: ProgramCompiler
  private let steps: [Step]
  private let options: RuntimeOptions
  private let arena: Buffer
  private let offsets: [Int]
  /// Pointers to the inputs and outputs of all steps, one after the other.
  private let table: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let tableCount: Int
  /// Where in the table the inputs of the program belong, by input.
  private var bindings: [[Int]]
  private var inputPointers: [UnsafeMutableRawPointer?]
  /// The same of the outputs that are written where they are returned.
  private var resultBindings: [[Int]]
  private var resultPointers: [UnsafeMutableRawPointer?]
  private var heap: [ValueID: RuntimeValue] = [:]
  /// Filled as nodes are inferred anew for the shapes of one run.
  private var shapes: ShapeContext
  /// Time spent in each step, summed over runs; empty unless asked for.
  private(set) var durations: [Duration] = []
  var isProfiled = false { didSet { durations = [Duration](repeating: .zero, count: isProfiled ? steps.count : 0) } }

  /// - Throws: where the machine does not have the memory.
  init(_ compiled: ProgramCompiler) throws(RuntimeError) {
    self.compiled = compiled
    options = compiled.options
    let plan = MemoryPlan(compiled.requests)
    offsets = plan.offsets
    arena = try Buffer(byteCount: plan.byteCount, for: compiled.planDescription)
    var steps = compiled.steps
    var count = 0
    for index in steps.indices {
      steps[index].arguments = count
      count += steps[index].node.inputs.count + steps[index].node.outputs.count
    }
    self.steps = steps
    // One more than needed, so that a table without entries has an address too.
    tableCount = count + 1
    table = .allocate(capacity: tableCount)
    table.initialize(repeating: nil, count: tableCount)
    bindings = [[Int]](repeating: [], count: compiled.inputs.count)
    inputPointers = [UnsafeMutableRawPointer?](repeating: nil, count: compiled.inputs.count)
    resultBindings = [[Int]](repeating: [], count: compiled.results.count)
    resultPointers = [UnsafeMutableRawPointer?](repeating: nil, count: compiled.results.count)
    shapes = ShapeContext(facts: compiled.bound.facts, symbols: SymbolTable())
    fillTable()
  }

  deinit { table.deallocate() }

  private func fillTable() {
    for step in steps {
      for (offset, value) in (step.node.inputs + step.node.outputs).enumerated() {
        guard let value else { continue }
        let position = step.arguments + offset
        switch compiled.places[value.index] {
        case .input(let input): bindings[input].append(position)
        case .result(let result): resultBindings[result].append(position)
        default: break
        }
        table[position] = fixedPointer(value)
      }
    }
  }

  /// Where a value always is; `nil` for inputs and for what is made while the program runs.
  private func fixedPointer(_ value: ValueID) -> UnsafeMutableRawPointer? {
    switch compiled.places[value.index] {
    case .constant(let constant): constant.buffer.start
    case .variable(let variable): variable.buffer.start
    case .arena(let request): arena.start + offsets[request]
    case .none, .input, .result, .heap: nil
    }
  }

  /// Bytes of the arena, the peak of everything between inputs and outputs.
  var arenaBytes: Int { arena.byteCount }

  /// Memory that is the program's alone: that of its constants and variables may be others' too.
  var ownBytes: Int { arena.byteCount + compiled.foldedBytes }

  var stepLabels: [(label: String, opType: String)] { steps.map { ($0.label, $0.node.opType) } }

  // MARK: Running

  /// - Parameters:
  ///   - inputs: in the order the program was compiled with, of the types and shapes it was compiled for.
  ///   - observed: values to be shown as soon as they are computed.
  ///   - observe: is shown them, where they are.
  /// - Returns: the outputs, in memory of their own.
  func run(
    _ inputs: [RuntimeValue], observing observed: Set<ValueID> = [],
    observe: (ValueID, RuntimeValue) -> Void = { _, _ in }
  ) throws(RuntimeError) -> [RuntimeValue] {
    bind(inputs)
    var results: [RuntimeValue?] = []
    for index in compiled.results { results.append(try room(compiled.outputs[index])) }
    bind(results: results)
    for (value, input) in zip(compiled.inputs, inputs) where observed.contains(value) { observe(value, input) }
    if observed.isEmpty {
      try execute(steps.indices)
    } else {
      for index in steps.indices {
        try execute(index..<(index + 1))
        for case let output? in steps[index].node.outputs where observed.contains(output) {
          observe(output, try current(output))
        }
      }
    }
    withExtendedLifetime(inputs) {}
    defer { heap = [:] }
    return try returned(&results)
  }

  /// - Parameter results: those outputs that are where they should be; they are given away.
  private func returned(_ results: inout [RuntimeValue?]) throws(RuntimeError) -> [RuntimeValue] {
    // Copies come first, while all that they may be of is there.
    var outputs: [RuntimeValue?] = []
    for (index, output) in compiled.outputs.enumerated() {
      outputs.append(compiled.results.contains(index) ? nil : try copy(output))
    }
    for (result, index) in compiled.results.enumerated() { outputs[index] = results[result].take() }
    return outputs.compactMap { $0 }
  }

  /// Says where the program's inputs are. They must stay there while steps run.
  func bind(_ inputs: [RuntimeValue]) {
    for (index, input) in inputs.enumerated() {
      inputPointers[index] = input.buffer.start
      for position in bindings[index] { table[position] = input.buffer.start }
    }
  }

  private func bind(results: [RuntimeValue?]) {
    for (index, result) in results.enumerated() {
      resultPointers[index] = result?.buffer.start
      for position in resultBindings[index] { table[position] = result?.buffer.start }
    }
  }

  /// Steps of the graph that was differentiated, then those that were added.
  var forwardSteps: Range<Int> { 0..<compiled.forwardStepCount }
  var backwardSteps: Range<Int> { compiled.forwardStepCount..<steps.count }

  func execute(_ range: Range<Int>) throws(RuntimeError) {
    let clock = ContinuousClock()
    for index in range {
      let step = steps[index]
      let start = isProfiled ? clock.now : nil
      switch step.work {
      case .kernel(let kernel): try run(step, kernel)
      case .deferred(let operation): try run(step, operation)
      case .controlFlow(let flow): try run(step, flow)
      }
      if let start { durations[index] += clock.now - start }
      for value in step.releases { heap[value] = nil }
    }
  }

  private func run(_ step: Step, _ kernel: Kernel) throws(RuntimeError) {
    guard kernel.sharing != .view else { return }
    let base = UnsafePointer(table + step.arguments)
    let scratch = kernel.scratchBytes > 0 ? arena.start + offsets[step.scratch] : arena.start
    do {
      try kernel.body(
        KernelArguments(
          inputs: base, outputs: base + step.node.inputs.count, scratch: scratch, workers: options.workers))
    } catch {
      throw RuntimeError(node: step.label, error)
    }
  }

  /// The memory of a value the caller may read after ``execute(_:)``, until the next run.
  func pointer(to value: ValueID) -> UnsafeMutableRawPointer? {
    switch compiled.places[value.index] {
    case .input(let index): inputPointers[index]
    case .result(let index): resultPointers[index]
    default: heap[value]?.buffer.start ?? fixedPointer(value)
    }
  }

  /// A value after ``execute(_:)``, in the program's own memory.
  func value(of value: ValueID) throws(RuntimeError) -> RuntimeValue { try current(value) }

  /// A value as it is at this point of a run.
  private func current(_ value: ValueID) throws(RuntimeError) -> RuntimeValue {
    switch compiled.places[value.index] {
    case .constant(let constant): return constant
    case .variable(let variable): return variable
    case .heap:
      if let value = heap[value] { return value }
    case .input, .arena, .result:
      if let shape = compiled.bound.shape(value), let type = compiled.bound.type(value), let start = pointer(to: value)
      {
        let storage = options.precision.storage(type)
        return RuntimeValue(
          buffer: Buffer(unowned: start, byteCount: RuntimeValue.byteCount(storage, shape) ?? 0), type: storage,
          declaredType: type, shape: shape)
      }
    case .none: break
    }
    throw RuntimeError("value \(compiled.bound.model.name(of: value)) is read before it is computed")
  }

  /// Bytes worth a thread.
  private static let copyGrain = 1 << 19

  /// Memory of its own for an output whose shape is known.
  private func room(_ output: ValueID) throws(RuntimeError) -> RuntimeValue {
    guard let shape = compiled.bound.shape(output), let type = compiled.bound.type(output) else {
      throw RuntimeError("the size of the output \(compiled.bound.model.name(of: output)) is not known")
    }
    return try RuntimeValue(declaredType: type, shape: shape, precision: options.precision)
  }

  private func copy(_ output: ValueID) throws(RuntimeError) -> RuntimeValue {
    let value = try current(output)
    if case .heap = compiled.places[output.index] { return value }
    var result = try RuntimeValue(declaredType: value.declaredType, shape: value.shape, precision: options.precision)
    // Constants keep the type they were stored in.
    result.type = value.type
    let (source, target) = (value.buffer.start, result.buffer.start)
    options.workers.forEachRange(of: RuntimeValue.byteCount(value.type, value.shape) ?? 0, grain: Self.copyGrain) {
      (target + $0.lowerBound).copyMemory(from: source + $0.lowerBound, byteCount: $0.count)
    }
    return result
  }

  // MARK: What follows from the data

  private func run(_ step: Step, _ operation: any Operator) throws(RuntimeError) {
    var inputs: [RuntimeValue?] = []
    for input in step.node.inputs {
      if let input { inputs.append(try current(input)) } else { inputs.append(nil) }
    }
    var context = try inferred(step, operation, inputs)
    var chosen: Kernel?
    let dataShapes: [[Int]]?
    do throws(KernelError) {
      if let choosing = operation as? any ChoosingOperator {
        let choice = try choosing.checkedChoice(context)
        chosen = choice.kernel
        dataShapes = choice.shapes
      } else {
        dataShapes = try operation.outputShapes(context)
      }
    } catch {
      throw RuntimeError(node: step.label, error)
    }
    context.outputs = try operands(step, dataShapes)
    var outputs: [RuntimeValue?] = []
    for (output, operand) in zip(step.node.outputs, context.outputs) {
      guard let output, let operand else {
        outputs.append(nil)
        continue
      }
      outputs.append(try room(output, operand.declaredType, operand.shape, step))
    }
    do throws(KernelError) {
      let kernel: Kernel
      if let chosen { kernel = chosen } else { kernel = try operation.checkedKernel(context) }
      try kernel.run(inputs, outputs, workers: options.workers)
    } catch {
      throw RuntimeError(node: step.label, error)
    }
  }

  /// Memory for an output: its place in the arena where its shape was known before, memory of its own otherwise.
  private func room(
    _ output: ValueID, _ type: DataType, _ shape: [Int], _ step: Step
  ) throws(RuntimeError) -> RuntimeValue {
    switch compiled.places[output.index] {
    case .arena, .result:
      let value = try current(output)
      // There is room for what was inferred; anything else would be written over its neighbours.
      guard value.shape == shape, value.type == options.precision.storage(type) else {
        throw RuntimeError(
          node: step.label, "makes \(type) \(shape) where \(value.declaredType) \(value.shape) was inferred")
      }
      return value
    default: break
    }
    do {
      let value = try RuntimeValue(declaredType: type, shape: shape, precision: options.precision)
      heap[output] = value
      return value
    } catch {
      throw RuntimeError(node: step.label, error.description)
    }
  }

  /// Infers the node anew from what its inputs are in this run. Outputs are left for ``operands(_:_:)``.
  private func inferred(
    _ step: Step, _ operation: any Operator, _ inputs: [RuntimeValue?]
  ) throws(RuntimeError) -> KernelContext {
    var context = KernelContext(node: step.node, opset: step.opset, inputs: [], outputs: [])
    for (id, value) in zip(step.node.inputs, inputs) {
      context.inputs.append(
        value.map { value in
          KernelContext.Operand(
            declaredType: value.declaredType, type: value.type, shape: value.shape, contents: value.buffer.bytes)
        })
      guard let id, let value else { continue }
      shapes.facts[id.index] = Facts(
        type: value.declaredType, shape: value.shape.map { .known($0) }, contents: value.contents, isConstant: true)
    }
    for case let output? in step.node.outputs { shapes.facts[output.index] = .unknown }
    shapes.node = step.node
    shapes.opset = step.opset
    do {
      try operation.inferShapes(&shapes)
    } catch {
      throw RuntimeError(node: step.label, error.message)
    }
    return context
  }

  /// The outputs of a node that was inferred anew.
  /// - Parameter dataShapes: those that follow from the data.
  private func operands(
    _ step: Step, _ dataShapes: [[Int]]?
  ) throws(RuntimeError) -> [KernelContext.Operand?] {
    var operands: [KernelContext.Operand?] = []
    for (index, output) in step.node.outputs.enumerated() {
      guard let output else {
        operands.append(nil)
        continue
      }
      let facts = shapes.facts[output.index]
      let dataShape = dataShapes.flatMap { index < $0.count ? $0[index] : nil }
      let sizes = dataShape ?? facts.shape?.compactMap(\.known)
      guard let type = facts.type ?? compiled.bound.type(output), let sizes,
        sizes.count == facts.shape?.count ?? sizes.count
      else {
        throw RuntimeError(
          node: step.label, "the shape of output \(index) follows from the data, which Coppice cannot run")
      }
      operands.append(
        KernelContext.Operand(declaredType: type, type: options.precision.storage(type), shape: sizes))
    }
    return operands
  }

  private func run(_ step: Step, _ flow: ControlFlow) throws(RuntimeError) {
    var inputs: [RuntimeValue?] = []
    for input in step.node.inputs {
      if let input { inputs.append(try current(input)) } else { inputs.append(nil) }
    }
    var captured: [ValueID: RuntimeValue] = [:]
    for value in flow.captured { captured[value] = try current(value) }
    let results: [RuntimeValue]
    do { results = try flow.run(inputs, captured: captured) } catch {
      throw RuntimeError("\(step.label): \(error.description)")
    }
    for (output, result) in zip(step.node.outputs, results) {
      guard let output else { continue }
      if case .heap = compiled.places[output.index] {
        heap[output] = result
        continue
      }
      let target = try room(output, result.declaredType, result.shape, step)
      target.buffer.start.copyMemory(
        from: result.buffer.start, byteCount: min(target.buffer.byteCount, result.buffer.byteCount))
    }
  }
}
