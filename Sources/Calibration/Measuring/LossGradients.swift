import IR
import Runtime
import Training

/// Gradients of the mean loss over calibration data, computed batch by batch with what is being measured in evaluation
/// mode: batch normalization keeps its running statistics, and dropout keeps everything.
///
/// Sums are kept in double precision, so that neither memory nor rounding grows with the number of batches.
final class LossGradients {
  /// What is differentiated towards, and may be changed between passes.
  let parameters: Parameters
  /// Samples of a pass.
  let sampleCount: Int
  let precision: Precision
  private let model: Model
  private let data: CalibrationData
  private let loss: Loss
  private let temperature: Float
  private let ranges: [Range<Int>]
  private let options: RuntimeOptions
  private var programs: [ProgramKey: Compiled] = [:]

  private struct ProgramKey: Hashable {
    let inputs: [String: [Int]]
    let labels: [Int]
  }

  private struct Compiled {
    let program: TrainingProgram
    let labelInput: String
  }

  /// - Parameters:
  ///   - model: with initializers of their own for all that is to be measured.
  ///   - temperature: what logits are divided by.
  ///   - batch: samples of a run.
  /// - Throws: where the model has nothing to differentiate towards, or takes more samples at once than there are.
  init(
    _ model: Model, _ data: CalibrationData, _ loss: Loss, temperature: Float = 1, batch: Int, options: RuntimeOptions
  ) throws(TrainingError) {
    self.model = model
    self.data = data
    self.loss = Loss(loss.kind, output: loss.output)
    self.temperature = temperature
    self.options = options
    precision = options.precision
    ranges = try data.batches(of: batch, for: model)
    sampleCount = ranges.reduce(0) { $0 + $1.count }
    do throws(RuntimeError) { parameters = try Parameters(of: model, precision: options.precision) } catch {
      throw TrainingError(error)
    }
    guard !parameters.trained.isEmpty else {
      throw TrainingError(.model, "the model has no weights that a loss could be differentiated towards")
    }
  }

  /// Samples of the first batch, which is the largest.
  var batchSize: Int { ranges.first?.count ?? 0 }

  /// The gradient of the mean loss over all samples, at whatever values the parameters have.
  ///
  /// Each batch counts by its samples, however many of their labels are ignored.
  /// - Parameter report: is told how many more samples are done.
  /// - Returns: one list a trained parameter.
  /// - Throws: at the first batch where an operator has no gradient, or the loss cannot be computed.
  func mean(_ report: (_ samples: Int) throws -> Void) throws -> [[Double]] {
    var sums = zeros()
    for range in ranges {
      let program = try run(range)
      let share = Double(range.count) / Double(sampleCount)
      for (index, parameter) in parameters.trained.enumerated() {
        program.addGradient(of: parameter, times: share, to: &sums[index])
      }
      try report(range.count)
    }
    return sums
  }

  /// The mean over batches of the square of each one's gradient: with batches of one sample, the diagonal of the
  /// empirical Fisher information.
  /// - Parameters:
  ///   - places: for each list wanted, the trained parameters that hold copies of one weight, whose gradients are added
  ///     before they are squared.
  ///   - report: is told how many more samples are done.
  func meanSquares(of places: [[Int]], _ report: (_ samples: Int) throws -> Void) throws -> [[Double]] {
    let trained = parameters.trained
    var sums = places.map { places in [Double](repeating: 0, count: places.first.map { trained[$0].count } ?? 0) }
    for range in ranges {
      let program = try run(range)
      for (index, places) in places.enumerated() where !places.isEmpty {
        var gradient = [Double](repeating: 0, count: sums[index].count)
        for place in places { program.addGradient(of: trained[place], times: 1, to: &gradient) }
        Self.addSquares(of: gradient, times: 1 / Double(ranges.count), to: &sums[index])
      }
      try report(range.count)
    }
    return sums
  }

  private static func addSquares(of numbers: [Double], times factor: Double, to sums: inout [Double]) {
    for (index, number) in numbers.enumerated() { sums[index] += factor * number * number }
  }

  /// One list of zeros a trained parameter.
  func zeros() -> [[Double]] { parameters.trained.map { [Double](repeating: 0, count: $0.count) } }

  // MARK: Running

  /// Runs forward and backward on some samples; the program that is returned holds their gradients.
  private func run(_ range: Range<Int>) throws(TrainingError) -> TrainingProgram {
    let samples = try data.samples(range)
    guard let given = samples.labels else {
      throw TrainingError(.data, "\(data.source): has no labels; add an array named \(Loss.labelField)")
    }
    guard let labels = given.converted(to: loss.labelType) else {
      throw TrainingError(
        .data, "\(data.source): labels are \(given.dataType), the loss takes \(loss.labelType); choose another loss")
    }
    let compiled = try compiled(ProgramKey(inputs: samples.inputs.mapValues(\.shape), labels: labels.shape))
    var tensors = samples.inputs
    tensors[compiled.labelInput] = labels
    let value: Double
    do throws(RuntimeError) { value = try compiled.program.run(tensors).loss } catch { throw TrainingError(error) }
    guard value.isFinite else {
      throw TrainingError(
        .diverged,
        "\(data.source): the loss of samples \(range.lowerBound) to \(range.upperBound - 1) is "
          + "\(value.isNaN ? "NaN" : "infinite"), so nothing can be measured by its gradients")
    }
    return compiled.program
  }

  /// A program for every set of shapes: the last batch may be smaller.
  private func compiled(_ key: ProgramKey) throws(TrainingError) -> Compiled {
    if let known = programs[key] { return known }
    let graph = try LossGraph(
      model, loss, inputShapes: key.inputs, labels: key.labels, source: data.source, temperature: temperature)
    var shapes = key.inputs
    shapes[graph.labelInput] = key.labels
    let program: TrainingProgram
    do throws(RuntimeError) {
      program = try TrainingProgram(
        graph.model, minimizing: .loss(graph.loss), parameters: parameters, inputShapes: shapes,
        normalizesByBatch: false, dropsOut: false, options: options)
    } catch {
      throw TrainingError(differentiating: error)
    }
    let compiled = Compiled(program: program, labelInput: graph.labelInput)
    programs[key] = compiled
    return compiled
  }
}

extension TrainingError {
  /// Where a criterion may need gradients of a model that has none.
  init(differentiating error: RuntimeError) {
    let advice = error.isOfGradients ? "; choose a criterion that needs no gradients, such as l2 or activation" : ""
    self.init(.model, "\(error)\(advice)")
  }
}
