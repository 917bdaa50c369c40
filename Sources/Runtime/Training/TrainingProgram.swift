import Analysis
import IR
import Operators

/// Forward, loss and backward as one planned program, for one set of input shapes.
///
/// ```swift
/// let parameters = try Parameters(of: model)
/// let program = try TrainingProgram(withLoss, loss: loss, parameters: parameters, inputShapes: ["x": [32, 3, 32, 32]])
/// let result = try program.run(["x": images, "label": labels])
/// program.withGradient(of: parameters.trained[0]) { gradient in … }
/// ```
public final class TrainingProgram {
  private let program: Program
  private let parameters: Parameters
  private let inputs: [(name: String, type: DataType, shape: [Int])]
  private let outputs: [(value: ValueID, name: String)]
  private let gradients: [ValueID: ValueID]
  private let updates: [(statistic: ValueID, updated: ValueID)]
  private let loss: ValueID
  private let seedIndex: Int?
  private let options: RuntimeOptions
  /// Planned bytes.
  public let memory: MemoryReport

  /// - Parameters:
  ///   - model: its graph holds the loss's nodes, and its inputs those of the loss.
  ///   - loss: a scalar of the graph, or any value whose elements are to be summed up.
  ///   - parameters: of the same model; gradients are computed towards those that are trained, and no further.
  ///   - inputShapes: by input name; types are those the model declares.
  ///   - outputs: values to be returned beside the loss.
  ///   - normalizesByBatch: whether batch normalization takes its statistics from the batch, and follows it.
  /// - Throws: where an operator cannot be run or has no gradient, or a shape depends on the data.
  public init(
    _ model: Model, loss: ValueID, parameters: Parameters, inputShapes: [String: [Int]], outputs: [ValueID] = [],
    normalizesByBatch: Bool = true, options: RuntimeOptions = RuntimeOptions()
  ) throws(RuntimeError) {
    self.parameters = parameters
    self.options = options
    self.loss = loss
    let training = TrainingMode(model, normalization: normalizesByBatch)
    let given = Set(model.graph.initializers.map(\.value))
    var shapes: [ValueID: (type: DataType, shape: [Int])] = [:]
    var inputs: [(name: String, type: DataType, shape: [Int])] = []
    var ids: [ValueID] = []
    for info in model.graph.inputs where !given.contains(info.value) {
      let name = model.name(of: info.value)
      guard let shape = inputShapes[name] else { throw RuntimeError("no shape is given for input \(name)") }
      guard let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:)) else {
        throw RuntimeError("input \(name) has no declared type")
      }
      shapes[info.value] = (type, shape)
      inputs.append((name, type, shape))
      ids.append(info.value)
    }
    var prepared = Fusion.apply(
      Fusion.differentiable, to: training.model, keeping: [loss] + outputs + training.updates.map(\.updated))
    seedIndex = training.seed.map { seed in
      prepared.graph.inputs.append(ValueInfo(value: seed, type: nil))
      shapes[seed] = (.int64, [])
      ids.append(seed)
      return ids.count - 1
    }
    self.inputs = inputs
    updates = training.updates
    self.outputs = outputs.map { ($0, model.name(of: $0)) }
    let bound = try BoundModel(prepared, inputs: shapes, registry: .runtime)
    let differentiated = try Differentiation(
      bound, of: [(loss, nil)], towards: parameters.trained.map(\.value))
    gradients = differentiated.gradients
    let results = [loss] + outputs + gradients.values.sorted() + updates.map(\.updated)
    let rebound = try BoundModel(differentiated.model, inputs: shapes, registry: .runtime)
    let compiled = try ProgramCompiler(
      rebound, inputs: ids, outputs: results, givens: .init(variables: parameters.variables),
      constants: ConstantPool(), options: options)
    program = Program(compiled)
    memory = MemoryReport(
      parameterBytes: parameters.byteCount,
      gradientBytes: parameters.trained.reduce(0) { $0 + $1.count * 4 },
      activationBytes: program.arenaBytes - parameters.trained.reduce(0) { $0 + $1.count * 4 })
  }

  /// Runs forward and backward, and lets running statistics follow the batch.
  /// - Parameters:
  ///   - tensors: by input name.
  ///   - step: numbers the steps: dropout draws anew for each.
  /// - Returns: the loss and the outputs asked for. Gradients stay where they are until the next run.
  @discardableResult
  public func run(_ tensors: [String: Tensor], step: Int = 0) throws(RuntimeError) -> (loss: Double, outputs: [Tensor])
  {
    var values: [RuntimeValue] = []
    for input in inputs {
      guard let tensor = tensors[input.name] else { throw RuntimeError("no data is given for input \(input.name)") }
      guard tensor.shape == input.shape,
        options.precision.storage(tensor.dataType) == options.precision.storage(input.type)
      else {
        throw RuntimeError(
          "input \(input.name) is \(tensor.dataType) \(tensor.shape), expected \(input.type) \(input.shape)")
      }
      values.append(try RuntimeValue(tensor, precision: options.precision))
    }
    if seedIndex != nil { values.append(try RuntimeValue(integer: step)) }
    try program.execute(values)
    var results: [Tensor] = []
    for output in outputs { results.append(try program.value(of: output.value).tensor(named: output.name)) }
    let lossValue = try program.value(of: loss)
    for (statistic, updated) in updates {
      guard let target = parameters.variables[statistic], let source = program.pointer(to: updated) else { continue }
      target.buffer.start.copyMemory(from: source, byteCount: target.buffer.byteCount)
    }
    return (lossValue.sum, results)
  }

  /// The gradient of the loss with respect to a parameter, as the last run left it; empty where the loss does not
  /// depend on it.
  public func withGradient<Result, Failure: Error>(
    of parameter: Parameter, _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard options.precision == .single, let gradient = gradients[parameter.value],
      let start = program.pointer(to: gradient)
    else { return try body(UnsafeMutableBufferPointer(start: nil, count: 0)) }
    return try body(
      UnsafeMutableBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: parameter.count))
  }

  /// The same in double precision, for programs that run in it.
  func doubleGradient(of parameter: Parameter) -> [Double] {
    guard let gradient = gradients[parameter.value], let start = program.pointer(to: gradient) else { return [] }
    return Array(UnsafeBufferPointer(start: start.assumingMemoryBound(to: Double.self), count: parameter.count))
  }

  /// Measures each node of one run.
  public func profile(_ tensors: [String: Tensor]) throws(RuntimeError) -> [NodeTime] {
    program.isProfiled = true
    defer { program.isProfiled = false }
    try run(tensors)
    return zip(program.stepLabels, program.durations).map { NodeTime(label: $0.label, opType: $0.opType, duration: $1) }
  }
}
