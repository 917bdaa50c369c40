import Analysis
import Dimensions
import IR
import Pruning
import TestSupport

/// A model's groups as `kind size: members`, in order; a `~` after the size where removal is not exact.
func groups(_ text: String, opset: Int64 = 17) throws -> [String] {
  let analysis = try ModelAnalysis(try GraphText.model(text, opset: opset))
  return analysis.groups.map { group in
    let members = group.members.map { "\(analysis.weights[$0.weight].name).\($0.axis)" }
    return "\(group.kind.rawValue) \(group.size)\(group.isExact ? "" : "~"): \(members.joined(separator: " "))"
  }
}

/// Why things are fixed.
func reasons(_ text: String, opset: Int64 = 17) throws -> [String] {
  try ModelAnalysis(try GraphText.model(text, opset: opset)).fixed.map(\.reason)
}

/// The first node of a type after keeping the first `kept` indices of every group of some kinds.
func node(_ type: String, of text: String, keeping kept: [DimensionKind: Int], opset: Int64 = 17) throws -> Node? {
  let model = try GraphText.model(text, opset: opset)
  let analysis = try ModelAnalysis(model)
  var keep = KeepSets()
  for group in analysis.groups {
    if let count = kept[group.kind] { keep[group.dimension] = (0..<Int32(count)).map { $0 } }
  }
  return try model.keeping(keep, analysis: analysis).graph.nodes.first { $0.opType == type }
}
