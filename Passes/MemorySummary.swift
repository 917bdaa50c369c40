import Runtime

/// What running or training a model takes, known from its plan without running it.
public struct MemorySummary: Sendable {
  /// Samples at once.
  public let batch: Int
  public let isTraining: Bool
  public let parameterBytes: Int
  /// Of parameters; zero where nothing is trained.
  public let gradientBytes: Int
  public let activationBytes: Int
  public let peakBytes: Int
  /// The shapes that were taken for inputs the model leaves open.
  public let assumed: [String]

  /// - Parameters:
  ///   - batch: samples at once; what the model fixes, or one, where it is left out.
  ///   - isTraining: plans forward and backward, with the sum of all outputs as the loss.
  /// - Throws: ``PassError`` where the model cannot be run with these shapes.
  public init(
    of model: Model, batch: Int?, shapes: InputShapes = .none, isTraining: Bool
  ) throws(PassError) {
    let sizes = try InputSizes(model, shapes: shapes, batch: batch)
    let report: MemoryReport
    do throws(RuntimeError) {
      report = isTraining ? try Self.training(model, sizes) : try Self.running(model, sizes)
    } catch {
      let guess = sizes.assumed.isEmpty ? "" : "; planned with \(sizes.assumed.joined(separator: ", "))"
      throw .other("\(error)\(guess)")
    }
    self.batch = sizes.inputs.first { !$0.shape.isEmpty }?.shape[0] ?? batch ?? 1
    self.isTraining = isTraining
    parameterBytes = report.parameterBytes
    gradientBytes = report.gradientBytes
    activationBytes = report.activationBytes
    peakBytes = report.peakBytes
    assumed = sizes.assumed
  }

  private static func running(_ model: Model, _ sizes: InputSizes) throws(RuntimeError) -> MemoryReport {
    var shapes: [String: (type: DataType, shape: [Int])] = [:]
    for input in sizes.inputs { shapes[input.name] = (input.type, input.shape) }
    return try Session(model).memory(for: shapes)
  }

  private static func training(_ model: Model, _ sizes: InputSizes) throws(RuntimeError) -> MemoryReport {
    let outputs = model.graph.outputs.filter {
      $0.type?.tensor?.elementType.flatMap(DataType.init(rawValue:))?.isFloatingPoint ?? true
    }.map(\.value)
    guard !outputs.isEmpty else {
      throw RuntimeError("no output is of a floating-point type, so nothing can be trained")
    }
    let shapes = Dictionary(sizes.inputs.map { ($0.name, $0.shape) }) { first, _ in first }
    return try TrainingProgram(
      model, minimizing: outputs.count == 1 ? .loss(outputs[0]) : .outside(outputs), parameters: Parameters(of: model),
      inputShapes: shapes
    ).memory
  }

  public var json: JSONText {
    .object([
      ("batch", .int(batch)), ("training", .bool(isTraining)), ("parameterBytes", .int(parameterBytes)),
      ("gradientBytes", .int(gradientBytes)), ("activationBytes", .int(activationBytes)),
      ("peakBytes", .int(peakBytes)), ("assumed", .array(assumed.map { .string($0) })),
    ])
  }
}
