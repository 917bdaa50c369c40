import Coppice

/// A node that keeps dimensions from shrinking, with what that costs.
struct Barrier {
  /// `nil` for the graph's own inputs and outputs.
  let node: AnalyzedNode?
  let remark: FixedRemark
  private let example: String

  init(_ remark: FixedRemark, in analysis: ModelAnalysis) {
    node = remark.node.map { analysis.nodes[$0] }
    self.remark = remark
    example =
      "\(remark.example.size) along axis \(remark.example.axis) of \(analysis.weights[remark.example.weight].name)"
  }

  /// What no operator could ever let shrink: axes that are no channels.
  private static let naturalReasons: Set<String> = [
    "it is a kernel's axis", "it counts directions", "it holds sizes or scales",
  ]

  /// Whether nothing was missed here, because there was nothing to find.
  var isNatural: Bool {
    node == nil ? remark.reason == "it is a graph input" : Self.naturalReasons.contains(remark.reason)
  }

  /// The barriers with the most parameters behind them, in the analysis's order among equals.
  static func largest(_ analysis: ModelAnalysis, _ count: Int) -> [Barrier] {
    let barriers = analysis.fixed.map { Barrier($0, in: analysis) }
    return Array(
      barriers.enumerated().sorted {
        ($1.element.remark.parameters, $0.offset) < ($0.element.remark.parameters, $1.offset)
      }
      .prefix(count).map(\.element))
  }

  var line: String {
    let place = node.map { "\($0.opType) \($0.label)" } ?? "graph"
    let dimensions = remark.dimensions == 1 ? example : "\(remark.dimensions) dims, the largest \(example)"
    return "\(place): \(remark.reason) (\(dimensions); \(grouped(remark.parameters)) parameters)"
  }

  var json: JSONText {
    .object([
      ("node", node.map { .string($0.label) } ?? .null), ("operator", node.map { .string($0.opType) } ?? .null),
      ("reason", .string(remark.reason)), ("dims", .int(remark.dimensions)), ("parameters", .int(remark.parameters)),
      ("largest", .string(example)),
    ])
  }
}
