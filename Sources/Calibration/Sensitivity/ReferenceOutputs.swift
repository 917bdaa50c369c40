import IR
import Runtime
import Training

/// The outputs of a model on samples, which those of others are compared with.
///
/// Samples are run batch by batch, and what is kept does not grow with their number.
struct ReferenceOutputs {
  private let data: CalibrationData
  private let ranges: [Range<Int>]
  private let runtime: RuntimeOptions
  private let reference: OutputReader
  /// Of the first batches, as long as they take little memory; beyond, they are computed anew for each comparison.
  private var known: [[[Double]]] = []
  /// One for each output.
  private var spreads: [Spread] = []

  /// - Parameter keptBytes: the memory that outputs of the first batches may take.
  init(
    of model: Model, on data: CalibrationData, batch: Int, runtime: RuntimeOptions, keptBytes: Int = 1 << 27
  ) throws {
    self.data = data
    self.runtime = runtime
    ranges = try data.batches(of: batch, for: model)
    reference = try OutputReader(model, runtime)
    spreads = [Spread](repeating: Spread(), count: model.graph.outputs.count)
    var (bytes, fits) = (0, true)
    for range in ranges {
      let outputs = try reference.outputs(data.samples(range).inputs)
      for (index, values) in outputs.enumerated() {
        for value in values { spreads[index].add(value) }
        bytes += values.count * MemoryLayout<Double>.stride
      }
      fits = fits && bytes <= keptBytes
      if fits { known.append(outputs) }
    }
  }

  /// How far the outputs of another model are from these: E‖ŷ − y‖² / E‖y − E[y]‖², the mean over outputs. Outputs that
  /// never vary do not count, nor do those that have another number of elements.
  func error(of model: Model) throws -> Double {
    let reader = try OutputReader(model, runtime)
    var errors = [Double?](repeating: 0, count: spreads.count)
    for (batch, range) in ranges.enumerated() {
      let inputs = try data.samples(range).inputs
      let expected = try batch < known.count ? known[batch] : reference.outputs(inputs)
      let found = try reader.outputs(inputs)
      for (index, (now, before)) in zip(found, expected).enumerated() {
        guard let error = errors[index], now.count == before.count else {
          errors[index] = nil
          continue
        }
        errors[index] = zip(now, before).reduce(error) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      }
    }
    let shares = zip(errors, spreads).compactMap { error, spread -> Double? in
      guard let error, spread.squares > 0 else { return nil }
      return error / spread.squares
    }
    return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
  }
}

/// Σ(x − E[x])² of numbers that come one after the other (Welford, "Note on a method for calculating corrected sums of
/// squares and products", 1962): exactly zero where all are the same.
private struct Spread {
  private var count = 0.0
  private var mean = 0.0
  private(set) var squares = 0.0

  mutating func add(_ value: Double) {
    count += 1
    let difference = value - mean
    mean += difference / count
    squares += difference * (value - mean)
  }
}

/// Runs a model for its floating-point outputs.
private struct OutputReader {
  private let session: Session
  private let names: [String]

  init(_ model: Model, _ options: RuntimeOptions) throws(TrainingError) {
    names = model.graph.outputs.map { model.name(of: $0.value) }
    do throws(RuntimeError) { session = try Session(model, options: options) } catch { throw TrainingError(error) }
  }

  /// One list an output, empty for those that are no floating-point numbers.
  func outputs(_ inputs: [String: Tensor]) throws(TrainingError) -> [[Double]] {
    let results: [String: Tensor]
    do throws(RuntimeError) { results = try session.run(inputs) } catch { throw TrainingError(error) }
    return names.map { name -> [Double] in
      guard let tensor = results[name], tensor.dataType.isFloatingPoint else { return [] }
      return tensor.doubles() ?? []
    }
  }
}
