import IR

/// Writes a layer's new matrix and shift into a model.
struct LayerUpdate {
  let site: RepairSite
  let solution: LeastSquares
  /// Whether the variance of a batch normalization follows.
  let recalibrates: Bool

  func apply(to model: inout Model) {
    guard let old = model.constant(node: site.node, input: 1) else { return }
    let name = model.name(of: site.layer.output)
    write(site.weight(solution.matrices), like: old, node: site.node, input: 1, "\(name)_weight", &model)
    switch site.shift {
    case .none: break
    case .constant(let node, let input):
      // The targets hold a layer's own bias, but not what another node adds behind it.
      let known = node == site.node ? nil : model.constant(node: node, input: input)
      let base = known?.floats() ?? [Float](repeating: 0, count: solution.shifts.count)
      let shape = model.constant(node: node, input: input)?.shape ?? [solution.shifts.count]
      let values = zip(base, solution.shifts).map { Float(Double($0) + $1) }
      write(values, shape: shape, like: old, node: node, input: input, "\(name)_bias", &model)
    case .normalizationMean(let node):
      guard let tensor = model.constant(node: node, input: 3), let mean = tensor.floats() else { break }
      let values = zip(mean, solution.shifts).map { Float(Double($0) - $1) }
      write(values, like: tensor, node: node, input: 3, "\(name)_mean", &model)
    }
    if recalibrates, site.shift != .none, let node = site.normalization { scaleVariance(node, name, &model) }
  }

  /// The running variance changes as that of the layer's output did: what the samples have more or less of than the
  /// data the statistics are of cancels out.
  private func scaleVariance(_ node: Int, _ name: String, _ model: inout Model) {
    guard let tensor = model.constant(node: node, input: 4), let old = tensor.floats() else { return }
    let values = old.indices.map { index -> Float in
      let (now, before) = (solution.variances[index], solution.targetVariances[index])
      guard before > 0, now > 0 else { return old[index] }
      return old[index] * Float(min(1, max(now / before, 0.05)))
    }
    write(values, like: tensor, node: node, input: 4, "\(name)_var", &model)
  }

  private func write(
    _ values: [Float], shape: [Int]? = nil, like old: Tensor, node: Int, input: Int, _ name: String, _ model: inout Model
  ) {
    guard let tensor = old.holding(values, shape: shape) else { return }
    model.setConstant(tensor, node: node, input: input, named: name)
  }
}
