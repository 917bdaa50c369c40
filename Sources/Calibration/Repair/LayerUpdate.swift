import IR

/// Writes a layer's new matrix and shift into a model.
struct LayerUpdate {
  let site: RepairSite
  let solution: LeastSquares
  /// Whether the variance of a batch normalization follows.
  let recalibrates: Bool

  func apply(to model: inout Model) {
    guard let old = model.constant(node: site.reader.node, input: site.reader.input) else { return }
    let name = model.name(of: site.layer.output)
    model.setConstant(
      site.weight(solution.matrices), like: old, node: site.reader.node, input: site.reader.input,
      named: "\(name)_weight")
    ShiftUpdate(site: site, shifts: solution.shifts).apply(to: &model)
    if recalibrates, site.shift != .none, let node = site.normalization { scaleVariance(node, name, &model) }
  }

  /// The running variance changes as that of the layer's output did: what the samples have more or less of than the
  /// data the statistics are of cancels out. What is made by least squares varies no more than its targets do, but for
  /// rounding; what hardly varies any more is not blown up to what varied before.
  private func scaleVariance(_ node: Int, _ name: String, _ model: inout Model) {
    guard let tensor = model.constant(node: node, input: 4), let old = tensor.floats() else { return }
    let values = old.indices.map { index -> Float in
      let (now, before) = (solution.variances[index], solution.targetVariances[index])
      guard before > 0, now > 0 else { return old[index] }
      return old[index] * Float(min(1, max(now / before, 0.05)))
    }
    model.setConstant(values, like: tensor, node: node, input: 4, named: "\(name)_var")
  }
}
