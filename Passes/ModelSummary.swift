import Operators

/// A model at a glance: its interface, its size, and what of it can be pruned.
public struct ModelSummary: Sendable {
  public let statistics: ModelStatistics
  /// Parameters of tensors with an axis that may shrink, by all parameters.
  public let prunableShare: Double
  public let groupCount: Int
  /// Nodes by operator, bodies included, the most frequent first.
  public let operators: [(name: String, count: Int)]
  /// Operators Coppice has no rule for: what they touch stays whole.
  public let withoutRule: [(name: String, count: Int)]
  /// Operator sets by domain.
  public let opsets: [(domain: String, version: Int64)]
  public let inputs: [Value]
  public let outputs: [Value]

  /// An input or output as users read it.
  public struct Value: Sendable, Equatable, CustomStringConvertible {
    public let name: String
    public let type: String
    /// Numbers, names of symbolic sizes, `?` for what is unknown; `nil` where not even the rank is declared.
    public let shape: [String]?

    public var description: String {
      shape.map { "\(type)[\($0.joined(separator: ", "))]" } ?? type
    }
  }

  public init(_ model: Model, analysis: ModelAnalysis) {
    statistics = ModelStatistics(analysis)
    prunableShare = Self.prunableShare(analysis, statistics.parameters)
    groupCount = analysis.groups.count
    var counts: [String: Int] = [:]
    var missing: [String: Int] = [:]
    func count(_ graph: Graph) {
      for node in graph.nodes {
        let domain = node.canonicalDomain
        let name = domain.isEmpty ? node.opType : "\(domain).\(node.opType)"
        counts[name, default: 0] += 1
        if OperatorRegistry.standard(OperatorName(node.opType, domain: domain)) == nil {
          missing[name, default: 0] += 1
        }
        if !node.attributes.isEmpty { for body in node.subgraphs { count(body) } }
      }
    }
    count(model.graph)
    operators = Self.sorted(counts)
    withoutRule = Self.sorted(missing)
    opsets = model.opsetImports.map { ($0.domain.flatMap { $0.isEmpty ? nil : $0 } ?? "ai.onnx", $0.version ?? 0) }
    inputs = model.graph.inputs.map { Value($0, in: model) }
    outputs = model.graph.outputs.map { Value($0, in: model) }
  }

  private static func sorted(_ counts: [String: Int]) -> [(name: String, count: Int)] {
    counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
  }

  private static func prunableShare(_ analysis: ModelAnalysis, _ total: Int) -> Double {
    guard total > 0 else { return 0 }
    let weights = Set(analysis.groups.flatMap { $0.members.map(\.weight) })
    var counted: Set<ValueID> = []
    let prunable = weights.sorted().reduce(0) { sum, index in
      let weight = analysis.weights[index]
      return counted.insert(weight.value).inserted ? sum + weight.tensor.elementCount : sum
    }
    return Double(prunable) / Double(total)
  }
}

extension ModelSummary.Value {
  public init(_ info: ValueInfo, in model: Model) {
    name = model.name(of: info.value)
    guard let tensor = info.type?.tensor else {
      type = info.type == nil ? "undeclared" : "not a tensor"
      shape = nil
      return
    }
    type = tensor.elementType.flatMap(DataType.init(rawValue:)).map { "\($0)" } ?? "unknown"
    shape = tensor.shape.map { sizes in
      sizes.map { size in
        switch size.extent {
        case .known(let value): "\(value)"
        case .symbol(let name): name
        case .unknown: "?"
        }
      }
    }
  }

  public var json: JSONText {
    let sizes = shape.map { sizes in sizes.map { size in Int(size).map { JSONText.int($0) } ?? .string(size) } }
    return .object([
      ("name", .string(name)), ("type", .string(type)), ("shape", sizes.map { .array($0) } ?? .null),
    ])
  }
}
