import Analysis
import IR
import Operators

/// Forward, loss and backward as one planned program, for one set of input shapes.
///
/// ```swift
/// let parameters = try Parameters(of: model)
/// let program = try TrainingProgram(
///   withLoss, minimizing: .loss(loss), parameters: parameters, inputShapes: ["x": [32, 3, 32, 32], "label": [32]])
/// let result = try program.run(["x": images, "label": labels])
/// program.withGradient(of: parameters.trained[0]) { gradient in … }
/// ```
public final class TrainingProgram {
  /// What gradients are taken of.
  public enum Objective: Sendable {
    /// A scalar of the graph, or any value, whose elements are summed up.
    case loss(ValueID)
    /// Whatever the caller computes of these values: it gives ``backward(from:)`` the gradients with respect to them.
    case outside([ValueID])
  }

  private let program: Program
  private let parameters: Parameters
  private let inputs: [Input]
  private let outputs: [ValueID]
  private let names: [String]
  private let gradients: [ValueID: ValueID]
  private let updates: [(statistic: ValueID, updated: ValueID)]
  private let loss: ValueID?
  private let seedCount: Int
  private let drops: Bool
  private let options: RuntimeOptions
  private var bound: [RuntimeValue] = []
  private var state = State.idle
  /// Planned bytes.
  public let memory: MemoryReport

  private enum State {
    /// Nothing has run, or not to its end.
    case idle
    /// Backward may run.
    case forwarded
    /// Gradients are there.
    case differentiated
  }

  private struct Input {
    let value: ValueID
    let name: String
    let type: DataType
    let shape: [Int]
  }

  /// - Parameters:
  ///   - model: with ``Objective/loss(_:)`` its graph holds the loss's nodes, and its inputs those of the loss.
  ///   - parameters: of the same model; gradients are computed towards those that are trained, and no further.
  ///   - inputShapes: by input name; types are those the model declares.
  ///   - outputs: values to be returned beside the loss.
  ///   - normalizesByBatch: whether batch normalization takes its statistics from the batch, and follows it.
  ///   - dropsOut: whether dropout drops.
  /// - Throws: where an operator cannot be run or has no gradient, or a shape depends on the data.
  public init(
    _ model: Model, minimizing objective: Objective, parameters: Parameters, inputShapes: [String: [Int]],
    outputs: [ValueID] = [], normalizesByBatch: Bool = true, dropsOut: Bool = true,
    options: RuntimeOptions = RuntimeOptions()
  ) throws(RuntimeError) {
    self.parameters = parameters
    self.options = options
    var roots: [ValueID]
    switch objective {
    case .loss(let value): (loss, roots) = (value, [value])
    case .outside(let values): (loss, roots) = (nil, values)
    }
    self.outputs = loss == nil ? roots : outputs
    let training = try TrainingMode(
      try FunctionInlining.apply(to: model), normalization: normalizesByBatch, dropout: dropsOut)
    var prepared = Fusion.apply(
      Fusion.differentiable, to: training.model, keeping: roots + outputs + training.updates.map(\.updated),
      trained: Set(parameters.trained.map(\.value)))
    inputs = try Self.inputs(of: model, shapes: inputShapes)
    var shapes: [ValueID: (type: DataType, shape: [Int])] = [:]
    for input in inputs { shapes[input.value] = (input.type, input.shape) }
    drops = training.seed != nil
    if let seed = training.seed {
      prepared.graph.inputs.append(ValueInfo(value: seed, type: nil))
      shapes[seed] = (.int64, [])
    }
    updates = training.updates
    let forward = try BoundModel(prepared, inputs: shapes, registry: .runtime)
    var seeds: [(value: ValueID, seed: ValueID?)] = roots.map { ($0, nil) }
    if loss == nil { seeds = try Self.addSeeds(for: roots, forward, &prepared, &shapes) }
    seedCount = loss == nil ? roots.count : 0
    let bound = loss == nil ? try BoundModel(prepared, inputs: shapes, registry: .runtime) : forward
    let differentiated = try Differentiation(bound, of: seeds, towards: parameters.trained.map(\.value))
    gradients = differentiated.gradients
    names = differentiated.model.valueNames
    let results = roots + self.outputs + gradients.values.sorted() + updates.map(\.updated)
    let rebound = try BoundModel(differentiated.model, inputs: shapes, registry: .runtime)
    let ids = prepared.graph.inputs.map(\.value).filter { shapes[$0] != nil }
    let compiled = try ProgramCompiler(
      rebound, inputs: ids, outputs: results, givens: .init(variables: parameters.variables),
      constants: ConstantPool(), options: options, forwardNodeCount: prepared.graph.nodes.count,
      returnsOutputs: false)
    program = try Program(compiled)
    memory = MemoryReport(
      of: compiled, arenaBytes: program.arenaBytes, parameterBytes: parameters.byteCount,
      gradients: Set(gradients.values))
  }

  private static func inputs(of model: Model, shapes: [String: [Int]]) throws(RuntimeError) -> [Input] {
    let given = Set(model.graph.initializers.map(\.value))
    var inputs: [Input] = []
    for info in model.graph.inputs where !given.contains(info.value) {
      let name = model.name(of: info.value)
      guard let shape = shapes[name] else { throw RuntimeError("no shape is given for input \(name)") }
      guard let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:)) else {
        throw RuntimeError("input \(name) has no declared type")
      }
      inputs.append(Input(value: info.value, name: name, type: type, shape: shape))
    }
    return inputs
  }

  /// Inputs for the gradients the caller computes.
  private static func addSeeds(
    for roots: [ValueID], _ bound: BoundModel, _ model: inout Model,
    _ shapes: inout [ValueID: (type: DataType, shape: [Int])]
  ) throws(RuntimeError) -> [(value: ValueID, seed: ValueID?)] {
    var seeds: [(value: ValueID, seed: ValueID?)] = []
    for root in roots {
      let name = model.name(of: root)
      guard let shape = bound.shape(root), let type = bound.type(root) else {
        throw RuntimeError("output \(name) has a shape that is not known before the model runs")
      }
      let seed = model.addValue(named: "gradient of \(name)/\(model.valueNames.count)")
      model.graph.inputs.append(ValueInfo(value: seed, type: nil))
      shapes[seed] = (type, shape)
      seeds.append((root, seed))
    }
    return seeds
  }

  // MARK: Running

  /// Runs forward and backward, and lets running statistics follow the batch. For ``Objective/loss(_:)``.
  /// - Parameters:
  ///   - tensors: by input name.
  ///   - step: numbers the steps: dropout draws anew for each.
  /// - Returns: the loss and the outputs asked for. Gradients stay where they are until the next run.
  @discardableResult
  public func run(
    _ tensors: [String: Tensor], step: Int = 0
  ) throws(RuntimeError) -> (loss: Double, outputs: [Tensor]) {
    let results = try forward(tensors, step: step)
    let value = try loss.map { loss throws(RuntimeError) in try program.value(of: loss).sum }
    try backward(from: [])
    return (value ?? .nan, results)
  }

  /// Runs the model and keeps what backward needs.
  /// - Returns: the outputs asked for; for ``Objective/outside(_:)``, the values gradients are to be given for.
  public func forward(_ tensors: [String: Tensor], step: Int = 0) throws(RuntimeError) -> [Tensor] {
    bound = []
    state = .idle
    for input in inputs {
      guard let tensor = tensors[input.name] else { throw RuntimeError("no data is given for input \(input.name)") }
      guard tensor.shape == input.shape,
        options.precision.storage(tensor.dataType) == options.precision.storage(input.type)
      else {
        throw RuntimeError(
          "input \(input.name) is \(tensor.dataType) \(tensor.shape), expected \(input.type) \(input.shape)")
      }
      bound.append(try RuntimeValue(tensor, precision: options.precision))
    }
    if drops { bound.append(try RuntimeValue(integer: step)) }
    program.bind(bound)
    try program.execute(program.forwardSteps)
    for (statistic, updated) in updates {
      guard let target = parameters.variables[statistic], let source = program.pointer(to: updated) else { continue }
      target.buffer.start.copyMemory(from: source, byteCount: target.buffer.byteCount)
    }
    var results: [Tensor] = []
    for output in outputs { results.append(try program.value(of: output).tensor(named: names[output.index])) }
    state = .forwarded
    return results
  }

  /// Computes the gradients of the last ``forward(_:step:)``.
  /// - Parameter seeds: for ``Objective/outside(_:)``, the gradients with respect to its values, in order.
  /// - Throws: where the seeds do not fit, or no forward run came before: each is differentiated once.
  public func backward(from seeds: [Tensor]) throws(RuntimeError) {
    guard state == .forwarded else {
      throw RuntimeError("gradients are asked for without a forward run before them; run forward anew")
    }
    guard seeds.count == seedCount else {
      throw RuntimeError("\(seeds.count) gradients are given, expected \(seedCount)")
    }
    var given = bound
    for (seed, output) in zip(seeds, outputs) {
      let value = try RuntimeValue(seed, precision: options.precision)
      let expected = try program.value(of: output)
      guard value.shape == expected.shape, value.type == expected.type else {
        throw RuntimeError(
          "the gradient for \(names[output.index]) is \(seed.dataType) \(seed.shape), expected "
            + "\(expected.declaredType) \(expected.shape)")
      }
      given.append(value)
    }
    state = .idle
    // Forward leaves nothing in the memory of inputs that is read after this: gradients have their own.
    defer { bound = [] }
    program.bind(given)
    try program.execute(program.backwardSteps)
    withExtendedLifetime(given) {}
    state = .differentiated
  }

  /// Where the gradient of a parameter is, once there is one.
  private func start(_ parameter: Parameter) -> UnsafeMutableRawPointer? {
    guard state == .differentiated else { return nil }
    return gradients[parameter.value].flatMap { program.pointer(to: $0) }
  }

  /// The gradient of the objective with respect to a parameter, as the last run left it; empty where the objective does
  /// not depend on it, or backward has not run.
  public func withGradient<Result, Failure: Error>(
    of parameter: Parameter, _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard options.precision == .single, let start = start(parameter) else {
      return try body(UnsafeMutableBufferPointer(start: nil, count: 0))
    }
    return try body(
      UnsafeMutableBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: parameter.count))
  }

  /// The same as a tensor of its own, in the precision the program runs in; zero where the objective does not depend on
  /// the parameter.
  public func gradient(of parameter: Parameter) -> Tensor {
    let type: DataType = options.precision == .single ? .float : .double
    let byteCount = parameter.count * (options.precision == .single ? 4 : 8)
    let start = start(parameter)
    let region = ByteRegion(count: byteCount) { target in
      if let start {
        target.copyMemory(from: UnsafeRawBufferPointer(start: start, count: byteCount))
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0)
      }
    }
    return Tensor(name: parameter.name, dataType: type, shape: parameter.shape, storage: .bytes(region))
  }

  /// Adds a multiple of the gradient of a parameter, as the last run left it, to one number an element; nothing where
  /// the objective does not depend on the parameter.
  /// - Precondition: there are as many numbers as elements.
  public func addGradient(of parameter: Parameter, times factor: Double, to sums: inout [Double]) {
    precondition(sums.count == parameter.count, "\(sums.count) sums for \(parameter.count) elements")
    guard let start = start(parameter) else { return }
    sums.withUnsafeMutableBufferPointer { sums in
      if options.precision == .single {
        let gradient = start.assumingMemoryBound(to: Float.self)
        for index in sums.indices { sums[index] += factor * Double(gradient[index]) }
      } else {
        let gradient = start.assumingMemoryBound(to: Double.self)
        for index in sums.indices { sums[index] += factor * gradient[index] }
      }
    }
  }

  /// The gradient in double precision, for programs that run in it.
  func doubleGradient(of parameter: Parameter) -> [Double] {
    guard let start = start(parameter) else { return [] }
    return Array(UnsafeBufferPointer(start: start.assumingMemoryBound(to: Double.self), count: parameter.count))
  }

  /// Measures each node of one run.
  public func profile(_ tensors: [String: Tensor]) throws(RuntimeError) -> [NodeTime] {
    program.isProfiled = true
    defer { program.isProfiled = false }
    try run(tensors)
    return zip(program.stepLabels, program.durations).map {
      NodeTime(label: $0.label, opType: $0.opType, duration: $1)
    }
  }
}
