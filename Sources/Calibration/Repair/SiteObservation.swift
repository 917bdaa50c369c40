import IR
import Operators
import Pruning
import Runtime
import Training

/// Runs a model as it was over all samples, and gathers what some of its layers multiply and what they make of it.
struct SiteObservation {
  let dense: Model
  let sites: [RepairSite]
  let data: CalibrationData
  /// Samples of a run.
  let batch: Int
  let runtime: RuntimeOptions
  /// The rows that are looked at, one for each site.
  let rows: [LayerRows]

  /// - Parameter add: is given the index of a site, rows of the inputs that are left and as many of the outputs that
  ///   are left; once for each batch.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `add` and `progress` throw.
  func run(
    _ progress: Measuring.Progress, add: (_ site: Int, _ inputs: [Float], _ outputs: [Float]) throws -> Void
  ) throws {
    let session: Session
    do throws(RuntimeError) {
      session = try Session(
        dense, observing: Set(sites.flatMap { [$0.layer.input, $0.layer.output] }), options: runtime)
    } catch {
      throw TrainingError(error)
    }
    for range in try data.batches(of: batch, for: dense) {
      let inputs = try data.samples(range).inputs
      var lines = [[Float]?](repeating: nil, count: sites.count)
      var failure: (any Error)?
      do throws(RuntimeError) {
        try session.run(inputs) { (value: ValueID, found: Observation) -> Void in
          guard failure == nil else { return }
          do { try take(value, found, first: range.lowerBound, &lines, add) } catch { failure = error }
        }
      } catch {
        throw TrainingError(error)
      }
      if let failure { throw failure }
      try progress("measuring", range.upperBound, data.count)
    }
  }

  /// A layer's input comes before its output; rows of it are kept until then.
  private func take(
    _ value: ValueID, _ found: Observation, first: Int, _ lines: inout [[Float]?],
    _ add: (_ site: Int, _ inputs: [Float], _ outputs: [Float]) throws -> Void
  ) throws {
    guard let start = found.floats.baseAddress else { return }
    for (index, site) in sites.enumerated() {
      if value == site.layer.input {
        lines[index] = try rows[index].inputs(start, shape: found.shape, channels: site.keptInputs, first: first)
      }
      if value == site.layer.output, let x = lines[index] {
        lines[index] = nil
        try add(index, x, rows[index].outputs(start, shape: found.shape, channels: site.keptOutputs, first: first))
      }
    }
  }
}
