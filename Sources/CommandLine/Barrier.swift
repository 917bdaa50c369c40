import Coppice

/// A node that keeps dimensions from shrinking, with what that costs.
struct Barrier {
  /// `nil` for the graph's own inputs and outputs.
  let node: AnalyzedNode?
  let remark: FixedRemark

  /// What no operator could ever let shrink: the interface, and axes that are no channels.
  private static let naturalReasons: Set<String> = [
    "it is a kernel's axis", "it counts directions", "it holds sizes or scales",
  ]

  /// Whether nothing was missed here, because there was nothing to find.
  var isNatural: Bool { node == nil || Self.naturalReasons.contains(remark.reason) }

  /// The barriers with the most parameters behind them, in the analysis's order among equals.
  static func largest(_ analysis: ModelAnalysis, _ count: Int) -> [Barrier] {
    let barriers = analysis.fixed.map { remark in Barrier(node: remark.node.map { analysis.nodes[$0] }, remark: remark)
    }
    return Array(
      barriers.enumerated().sorted {
        ($1.element.remark.parameters, $0.offset) < ($0.element.remark.parameters, $1.offset)
      }
      .prefix(count).map(\.element))
  }

  var line: String {
    let place = node.map { "\($0.opType) \($0.label)" } ?? "graph"
    return "\(place): \(remark.reason) (\(remark.dimensions) dims, \(grouped(remark.parameters)) parameters)"
  }

  var json: JSONText {
    .object([
      ("node", node.map { .string($0.label) } ?? .null), ("operator", node.map { .string($0.opType) } ?? .null),
      ("reason", .string(remark.reason)), ("dims", .int(remark.dimensions)), ("parameters", .int(remark.parameters)),
    ])
  }
}
