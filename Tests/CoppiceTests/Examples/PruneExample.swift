import Coppice

/// Removes channels of small norms until a half of the multiply-accumulates is left.
func pruneByMagnitude(_ path: String, to output: String) throws {
  var model = try Model(contentsOf: path)
  let groups = try PruningGroups(of: model)
  let plan = try Plan(
    for: model, groups: groups, scoring: .magnitude(p: 2), target: .macs(.fraction(0.5)), roundTo: 8)
  try model.apply(plan)
  try model.write(to: output)
}
