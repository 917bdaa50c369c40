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
  /// Memory of activations that gradients take over: counted in both.
  public let sharedBytes: Int
  public let peakBytes: Int
  /// The shapes that were taken for inputs the model leaves open.
  public let assumed: [String]

  /// - Parameters:
  ///   - batch: samples at once; what the model fixes, or one, where it is left out.
  ///   - isTraining: plans forward and backward, with the sum of all outputs as the loss.
  /// - Throws: where the model cannot be run with these shapes, or does not take such a batch.
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
    self.batch = sizes.batch
    self.isTraining = isTraining
    parameterBytes = report.parameterBytes
    gradientBytes = report.gradientBytes
    activationBytes = report.activationBytes
    sharedBytes = report.sharedBytes
    peakBytes = report.peakBytes
    assumed = sizes.assumed
  }

  private static func running(_ model: Model, _ sizes: InputSizes) throws(RuntimeError) -> MemoryReport {
    try Session(model).memory(for: sizes.types)
  }

  private static func training(_ model: Model, _ sizes: InputSizes) throws(RuntimeError) -> MemoryReport {
    let outputs = model.graph.outputs.filter {
      $0.type?.tensor?.elementType.flatMap(DataType.init(rawValue:))?.isFloatingPoint ?? true
    }.map(\.value)
    guard !outputs.isEmpty else {
      throw RuntimeError("no output is of a floating-point type, so nothing can be trained")
    }
    return try TrainingProgram(
      model, minimizing: outputs.count == 1 ? .loss(outputs[0]) : .outside(outputs), parameters: Parameters(of: model),
      inputShapes: sizes.types.mapValues(\.shape)
    ).memory
  }

  public var json: JSONText {
    .object([
      ("batch", .int(batch)), ("training", .bool(isTraining)), ("parameterBytes", .int(parameterBytes)),
      ("gradientBytes", .int(gradientBytes)), ("activationBytes", .int(activationBytes)),
      ("sharedBytes", .int(sharedBytes)), ("peakBytes", .int(peakBytes)),
      ("assumed", .array(assumed.map { .string($0) })),
    ])
  }
}
