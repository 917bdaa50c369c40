import IR
import Runtime
import Training

/// Runs a model over all samples, and shows some of its values as they are computed.
struct ModelObservation {
  let data: CalibrationData
  private let session: Session
  private let ranges: [Range<Int>]

  /// - Parameter batch: samples of a run.
  /// - Throws: ``TrainingError`` where the model cannot be run, or not on so many samples.
  init(
    of model: Model, values: Set<ValueID>, on data: CalibrationData, batch: Int, options: RuntimeOptions
  ) throws(TrainingError) {
    var options = options
    // What is observed is looked at in single precision.
    options.precision = .single
    self.data = data
    ranges = try data.batches(of: batch, for: model)
    do throws(RuntimeError) { session = try Session(model, observing: values, options: options) } catch {
      throw TrainingError(error)
    }
  }

  /// - Parameters:
  ///   - work: what the samples are run for.
  ///   - show: is given a value, what was found, and which samples were run.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `show` and `progress` throw.
  func run(
    _ work: String, _ progress: Measuring.Progress,
    show: (_ value: ValueID, _ found: Observation, _ samples: Range<Int>) throws -> Void
  ) throws {
    for range in ranges {
      let inputs = try data.samples(range).inputs
      var failure: (any Error)?
      do throws(RuntimeError) {
        try session.run(inputs) { (value: ValueID, found: Observation) -> Void in
          guard failure == nil else { return }
          do { try show(value, found, range) } catch { failure = error }
        }
      } catch {
        throw TrainingError(error)
      }
      if let failure { throw failure }
      try progress(work, range.upperBound, ranges.last?.upperBound ?? data.count)
    }
  }
}
