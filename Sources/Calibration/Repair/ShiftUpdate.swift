import IR

/// Writes what is to be added to each of a layer's outputs where the model has a place for it.
struct ShiftUpdate {
  let site: RepairSite
  /// What the layer's matrix lacks of what the layer made, its own bias included: E[y] − W·E[x].
  let shifts: [Double]

  func apply(to model: inout Model) {
    guard let weight = model.constant(node: site.reader.node, input: site.reader.input) else { return }
    let name = model.name(of: site.layer.output)
    switch site.shift {
    case .none: break
    case .constant(let node, let input):
      let old = model.constant(node: node, input: input)
      // The targets hold a layer's own bias, but not what another node adds behind it.
      let known = node == site.node ? nil : old
      let base = known?.floats() ?? [Float](repeating: 0, count: shifts.count)
      let values = zip(base, shifts).map { Float(Double($0) + $1) }
      model.setConstant(
        values, shape: old?.shape ?? [shifts.count], like: weight, node: node, input: input, named: "\(name)_bias")
    case .normalizationMean(let node):
      guard let tensor = model.constant(node: node, input: 3), let mean = tensor.floats() else { break }
      let values = zip(mean, shifts).map { Float(Double($0) - $1) }
      model.setConstant(values, like: tensor, node: node, input: 3, named: "\(name)_mean")
    }
  }
}

extension Model {
  /// Gives one input of a node other numbers, in the type of `old` and, where nothing else is said, its shape.
  mutating func setConstant(
    _ values: [Float], shape: [Int]? = nil, like old: Tensor, node: Int, input: Int, named base: String
  ) {
    guard let tensor = old.holding(values, shape: shape) else { return }
    setConstant(tensor, node: node, input: input, named: base)
  }
}
