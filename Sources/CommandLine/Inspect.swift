import ArgumentParser
import Coppice
import Dimensions

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a model's interface, operators, size and what of it can be pruned.",
    discussion: "EXAMPLE\n  coppice inspect model.onnx")

  @Argument(help: "The model to look at.") var model: String
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let session = try Session(path: model)
    let analysis = session.analysis
    let statistics = ModelStatistics(analysis)
    let share = Self.prunableShare(analysis, statistics.parameters)
    var operators: [String: Int] = [:]
    for node in analysis.nodes { operators[node.opType, default: 0] += 1 }
    let sorted = operators.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let opsets = session.model.opsetImports.map {
      "\($0.domain.flatMap { $0.isEmpty ? nil : $0 } ?? "ai.onnx") \($0.version ?? 0)"
    }
    if json {
      let object = JSONText.object([
        ("version", .int(1)), ("parameters", .int(statistics.parameters)), ("macs", .int(statistics.macs)),
        ("bytes", .int(statistics.bytes)), ("prunableShare", .double(share)),
        ("operators", .object(sorted.map { ($0.key, .int($0.value)) })), ("opsets", .array(opsets.map { .string($0) })),
      ])
      return print(object.text(linesTo: 1))
    }
    for (title, infos) in [("inputs", session.model.graph.inputs), ("outputs", session.model.graph.outputs)] {
      print(title)
      for info in infos { print("  \(session.model.name(of: info.value)): \(Self.spell(info))") }
    }
    print("opsets      \(opsets.joined(separator: ", "))")
    print("parameters  \(grouped(statistics.parameters))")
    print("MACs        \(grouped(statistics.macs))")
    print("bytes       \(grouped(statistics.bytes))")
    print("prunable    \(percent(share)) of the parameters, in \(analysis.groups.count) groups")
    print("operators   " + sorted.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
  }

  /// Parameters of tensors with an axis that may shrink.
  private static func prunableShare(_ analysis: ModelAnalysis, _ total: Int) -> Double {
    let weights = Set(analysis.groups.flatMap { $0.members.map(\.weight) })
    var counted: Set<ValueID> = []
    let prunable = weights.sorted().reduce(0) { sum, index in
      let weight = analysis.weights[index]
      return counted.insert(weight.value).inserted ? sum + weight.tensor.elementCount : sum
    }
    return total > 0 ? Double(prunable) / Double(total) : 0
  }

  private static func spell(_ info: ValueInfo) -> String {
    guard let tensor = info.type?.tensor else { return "not a tensor" }
    let type = tensor.elementType.flatMap(DataType.init(rawValue:)).map { "\($0)" } ?? "unknown"
    guard let shape = tensor.shape else { return type }
    let sizes = shape.map { size in
      switch size.extent {
      case .known(let value): "\(value)"
      case .symbol(let name): name
      case .unknown: "?"
      }
    }
    return "\(type)[\(sizes.joined(separator: ", "))]"
  }
}
