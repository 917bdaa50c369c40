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
    var lines = [[Float]?](repeating: nil, count: sites.count)
    try observe(Set(sites.flatMap { [$0.layer.input, $0.layer.output] }), progress) { value, found, samples in
      guard let start = found.floats.baseAddress else { return }
      for (index, site) in sites.enumerated() {
        // A layer's input comes before its output; rows of it are kept until then.
        if value == site.layer.input {
          lines[index] = try rows[index].inputs(
            start, shape: found.shape, channels: site.keptInputs, samples: samples, workers: runtime.workers)
        }
        if value == site.layer.output, let x = lines[index] {
          lines[index] = nil
          try add(index, x, outputs(index, start, found.shape, samples))
        }
      }
    }
  }

  /// - Parameter add: is given the index of a site and rows of the outputs that are left; once for each batch.
  func runOutputs(
    _ progress: Measuring.Progress, add: (_ site: Int, _ outputs: [Float]) throws -> Void
  ) throws {
    try observe(Set(sites.map(\.layer.output)), progress) { value, found, samples in
      guard let start = found.floats.baseAddress else { return }
      for (index, site) in sites.enumerated() where value == site.layer.output {
        try add(index, outputs(index, start, found.shape, samples))
      }
    }
  }

  private func observe(
    _ values: Set<ValueID>, _ progress: Measuring.Progress,
    show: (_ value: ValueID, _ found: Observation, _ samples: Range<Int>) throws -> Void
  ) throws {
    try ModelObservation(of: dense, values: values, on: data, batch: batch, options: runtime)
      .run("measuring", progress, show: show)
  }

  private func outputs(_ index: Int, _ start: UnsafePointer<Float>, _ shape: [Int], _ samples: Range<Int>) -> [Float] {
    rows[index].outputs(
      start, shape: shape, channels: sites[index].keptOutputs, samples: samples, workers: runtime.workers)
  }
}
