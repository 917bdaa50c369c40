import Analysis
import IR
import Operators

/// Runs a model. A program is compiled for every set of input shapes on first use, and kept until many others have been.
///
/// ```swift
/// let session = try Session(model)
/// let outputs = try session.run(["input": image])
/// ```
///
/// One call at a time; sessions of the same model may run at the same time, each on its own threads.
public final class Session {
  private let model: Model
  private let options: RuntimeOptions
  private let constants = ConstantPool()
  private var programs = ProgramCache<[InputType]>(countLimit: 32, byteLimit: 1 << 30)

  private struct InputType: Hashable {
    let type: DataType
    let shape: [Int]
  }

  /// The inputs to be given: those no initializer stands in for.
  public let inputs: [ValueInfo]
  private let inputNames: [String]
  private let observed: Set<ValueID>

  /// - Parameter observed: values of the main graph that ``run(_:observe:)`` is to show.
  public init(
    _ model: Model, observing observed: Set<ValueID> = [], options: RuntimeOptions = RuntimeOptions()
  ) throws(RuntimeError) {
    // Folding rounds weights to single precision.
    let rules = options.precision == .single ? Fusion.inference : Fusion.differentiable
    self.model = Fusion.apply(rules, to: try FunctionInlining.apply(to: model), keeping: observed.sorted())
    self.observed = observed
    self.options = options
    let given = Set(model.graph.initializers.map(\.value))
    inputs = model.graph.inputs.filter { !given.contains($0.value) }
    inputNames = inputs.map { model.name(of: $0.value) }
  }

  /// Runs the model once.
  /// - Parameter tensors: by input name, one for every input of the model.
  /// - Returns: by output name, in the types the model declares.
  /// - Throws: where an input is missing or does not fit, a node cannot be run, or data is impossible (an index outside
  ///   of its axis).
  public func run(_ tensors: [String: Tensor]) throws(RuntimeError) -> [String: Tensor] {
    let values = try values(tensors)
    return named(try program(for: values).run(values))
  }

  /// Runs the model once, and shows the values it was made to observe as soon as each is computed.
  ///
  /// No value is kept for longer than it would be anyway: an observer copies what it needs.
  /// - Parameter observe: is given every observed value that depends on an input, once.
  @discardableResult
  public func run(
    _ tensors: [String: Tensor], observe: (ValueID, Observation) -> Void
  ) throws(RuntimeError) -> [String: Tensor] {
    let values = try values(tensors)
    let results = try program(for: values).run(values, observing: observed) { value, found in
      observe(value, Observation(found))
    }
    return named(results)
  }

  private func named(_ results: consuming [RuntimeValue]) -> [String: Tensor] {
    var outputs: [String: Tensor] = [:]
    for (index, info) in model.graph.outputs.enumerated() {
      let name = model.name(of: info.value)
      outputs[name] = results[index].taken(named: name)
    }
    return outputs
  }

  /// What running on inputs of these shapes takes.
  public func memory(for shapes: [String: (type: DataType, shape: [Int])]) throws(RuntimeError) -> MemoryReport {
    let compiled = try compiled(types(shapes))
    return MemoryReport(
      parameterBytes: compiled.constantBytes + compiled.variableBytes, gradientBytes: 0,
      activationBytes: MemoryPlan(compiled.requests).byteCount + compiled.resultBytes, sharedBytes: 0)
  }

  /// Compiles the program for inputs of these shapes, so that what cannot be run is named now.
  public func prepare(for shapes: [String: (type: DataType, shape: [Int])]) throws(RuntimeError) {
    let types = try types(shapes)
    if programs.entry(for: types) == nil { programs.insert(.init(try Program(try compiled(types))), for: types) }
  }

  private func types(
    _ shapes: [String: (type: DataType, shape: [Int])]
  ) throws(RuntimeError) -> [InputType] {
    var types: [InputType] = []
    for name in inputNames {
      guard let shape = shapes[name] else { throw RuntimeError("no shape is given for input \(name)") }
      types.append(InputType(type: shape.type, shape: shape.shape))
    }
    return types
  }

  /// Runs the model once and measures each node.
  /// - Returns: in the order they ran.
  public func profile(_ tensors: [String: Tensor]) throws(RuntimeError) -> [NodeTime] {
    let values = try values(tensors)
    let program = try program(for: values)
    program.isProfiled = true
    defer { program.isProfiled = false }
    _ = try program.run(values)
    return zip(program.stepLabels, program.durations).map { step, time in
      NodeTime(label: step.label, opType: step.opType, duration: time)
    }
  }

  private func values(_ tensors: [String: Tensor]) throws(RuntimeError) -> [RuntimeValue] {
    for name in tensors.keys.sorted() where !inputNames.contains(name) {
      throw RuntimeError("the model has no input \(name); it has \(inputNames.joined(separator: ", "))")
    }
    var values: [RuntimeValue] = []
    for (info, name) in zip(inputs, inputNames) {
      guard let tensor = tensors[name] else { throw RuntimeError("no data is given for input \(name)") }
      var value = try RuntimeValue(tensor, precision: options.precision)
      if let number = info.type?.tensor?.elementType, let declared = DataType(rawValue: number),
        declared != tensor.dataType
      {
        guard options.precision.storage(declared) == value.type else {
          throw RuntimeError("input \(name) is \(tensor.dataType), the model takes \(declared)")
        }
        value.declaredType = declared
      }
      values.append(value)
    }
    return values
  }

  private func program(for values: [RuntimeValue]) throws(RuntimeError) -> Program {
    let key = values.map { InputType(type: $0.declaredType, shape: $0.shape) }
    if let entry = programs.entry(for: key) { return entry.program }
    let program = try Program(try compiled(key))
    programs.insert(.init(program), for: key)
    return program
  }

  private func compiled(_ types: [InputType]) throws(RuntimeError) -> ProgramCompiler {
    var shapes: [ValueID: (type: DataType, shape: [Int])] = [:]
    for (info, type) in zip(inputs, types) { shapes[info.value] = (type.type, type.shape) }
    let bound = try BoundModel(model, inputs: shapes, registry: .runtime)
    return try ProgramCompiler(
      bound, inputs: inputs.map(\.value), outputs: model.graph.outputs.map(\.value), givens: .init(),
      constants: constants, options: options)
  }
}

/// How long a node took.
public struct NodeTime: Sendable {
  public let label: String
  public let opType: String
  public let duration: Duration
}

/// A value while a model runs, where it is in memory; to be read before the observer returns.
public struct Observation {
  public let shape: [Int]
  /// The elements in row-major order, in single precision; empty for values that are no floating-point numbers.
  public let floats: UnsafeBufferPointer<Float>
  /// The memory the elements are in.
  private let value: RuntimeValue

  init(_ value: RuntimeValue) {
    shape = value.shape
    self.value = (value.type == .double ? Self.narrowed(value) : nil) ?? value
    let start = self.value.type == .float ? self.value.buffer.start.assumingMemoryBound(to: Float.self) : nil
    floats = UnsafeBufferPointer(start: start, count: start == nil ? 0 : value.count)
  }

  private static func narrowed(_ value: RuntimeValue) -> RuntimeValue? {
    guard let result = try? RuntimeValue(declaredType: .float, shape: value.shape, precision: .single) else {
      return nil
    }
    let (from, to) = (
      value.buffer.start.assumingMemoryBound(to: Double.self), result.buffer.start.assumingMemoryBound(to: Float.self)
    )
    for index in 0..<value.count { to[index] = Float(from[index]) }
    return result
  }
}
