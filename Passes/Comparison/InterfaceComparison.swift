/// What makes one model unfit to stand in for another: inputs, outputs and operator sets that differ.
public enum InterfaceComparison {
  /// One line a difference; none where a program cannot tell the models apart by their interface.
  public static func differences(_ a: Model, _ b: Model) -> [String] {
    values("input", a.graph.inputs, in: a, b.graph.inputs, in: b)
      + values("output", a.graph.outputs, in: a, b.graph.outputs, in: b) + opsets(a, b)
  }

  private static func values(
    _ what: String, _ a: [ValueInfo], in first: Model, _ b: [ValueInfo], in second: Model
  ) -> [String] {
    let (a, b) = (a.map { ModelSummary.Value($0, in: first) }, b.map { ModelSummary.Value($0, in: second) })
    guard a.map(\.name) == b.map(\.name) else {
      let (names, others) = (a.map(\.name).joined(separator: ", "), b.map(\.name).joined(separator: ", "))
      return ["\(what)s: \(names) against \(others)"]
    }
    return zip(a, b).compactMap { $0 == $1 ? nil : "\(what) \($0.name): \($0) against \($1)" }
  }

  private static func opsets(_ a: Model, _ b: Model) -> [String] {
    func table(_ model: Model) -> [String: Int64] {
      let pairs = model.opsetImports.map { ($0.domain.flatMap { $0.isEmpty ? nil : $0 } ?? "ai.onnx", $0.version ?? 0) }
      return Dictionary(pairs) { first, _ in first }
    }
    let (first, second) = (table(a), table(b))
    return Set(first.keys).union(second.keys).sorted().compactMap { domain in
      guard first[domain] != second[domain] else { return nil }
      func spell(_ version: Int64?) -> String { version.map { "\($0)" } ?? "none" }
      return "opset \(domain): \(spell(first[domain])) against \(spell(second[domain]))"
    }
  }
}
