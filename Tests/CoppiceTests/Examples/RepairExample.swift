import Coppice

/// Halves the multiply-accumulates by removing what other channels can make up for, and has them do so.
/// - Parameter samples: a file of inputs; labels are not needed.
/// - Returns: the largest share of a layer's outputs that is not made up for.
func pruneWithRepair(_ path: String, samples: String, to output: String) throws -> Double {
  let model = try Model(contentsOf: path)
  let data = try DataSpecification(path: samples).open()
  let calibration = PruneCalibration(damping: 0.01) { model, context in
    try CalibrationData(data, for: model, limit: 256, seed: context.seed)
  }
  let pass = PrunePass(
    SelectionOptions(.macs(.fraction(0.5))), scoring: try Scoring(named: "obspa"), calibration: calibration, seed: 1)
  let context = Context(model: model, source: Context.Source(path: path))
  let (plan, pruned, repair) = try pass.prune(model, context.analysis(of: model), in: context)
  for group in plan.groups { print("\(group.name): \(group.keep.count) of \(group.size) stay") }
  try pruned.write(to: output)
  return repair.layers.map(\.error).max() ?? 0
}
