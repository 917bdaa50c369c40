import ArgumentParser
import Coppice

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows a model's interface, operators, size and what of it can be pruned.",
    discussion: """
      EXAMPLES
        coppice inspect model.onnx
        coppice inspect model.onnx --memory --batch 32 --train
      """)

  @Argument(help: "The model to look at.", completion: .file(extensions: ["onnx"])) var model: String
  @OptionGroup var inputs: InputShapeArguments
  @OptionGroup var planned: InspectMemory
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let session = try Session(path: model, shapes: inputs.parsed())
    let summary = ModelSummary(session.model, analysis: session.analysis)
    talk.explain("read and analysed in \(session.analysisSeconds) s")
    let memory = try planned.summary(of: session, shapes: inputs.parsed())
    try printOut(
      json
        ? Self.json(summary, session, memory).text(linesTo: 1) : Talk.printable(Self.text(summary, session, memory)))
  }

  private static func text(_ summary: ModelSummary, _ session: Session, _ memory: MemorySummary?) -> String {
    let model = session.model
    var lines: [String] = []
    for (title, values) in [("inputs", summary.inputs), ("outputs", summary.outputs)] {
      lines.append(title)
      lines += values.map { "  \($0.name): \($0)" }
    }
    let producer = [model.producerName, model.producerVersion].compactMap { $0 }.filter { !$0.isEmpty }
    lines += [
      "producer    \(producer.isEmpty ? "unknown" : producer.joined(separator: " "))",
      "IR version  \(model.irVersion.map { "\($0)" } ?? "undeclared")",
      "opsets      \(summary.opsets.map { "\($0.domain) \($0.version)" }.joined(separator: ", "))",
      "parameters  \(grouped(summary.statistics.parameters))", "MACs        \(grouped(summary.statistics.macs))",
      "bytes       \(grouped(summary.statistics.bytes))",
      "prunable    \(percent(summary.prunableShare)) of the parameters, in \(summary.groupCount) groups",
      "operators   \(summary.operators.map { "\($0.name) \($0.count)" }.joined(separator: ", "))",
    ]
    let ones = session.analysis.sizesCountedAsOne(in: model).map(\.name)
    if !ones.isEmpty { lines.append("counted as 1 for MACs: \(ones.joined(separator: ", ")) (see --input-shape)") }
    if !summary.withoutRule.isEmpty {
      lines.append("no rule for \(summary.withoutRule.map { "\($0.name) \($0.count)" }.joined(separator: ", "))")
    }
    let barriers = Barrier.largest(session.analysis, .max).filter { !$0.isNatural }.prefix(5)
    if !barriers.isEmpty {
      lines.append("barriers    (by parameters; all of them: coppice groups \(session.path) --remarks)")
      lines += barriers.map { "  \($0.line)" }
    }
    if let memory { lines += InspectMemory.lines(memory) }
    return lines.joined(separator: "\n")
  }

  private static func json(_ summary: ModelSummary, _ session: Session, _ memory: MemorySummary?) -> JSONText {
    let model = session.model
    func text(_ value: String?) -> JSONText { value.map { .string($0) } ?? .null }
    let counts = ModelCounts(model)
    let entries: [(String, JSONText)] = [
      ("version", .int(1)), ("parameters", .int(summary.statistics.parameters)),
      ("macs", .int(summary.statistics.macs)), ("bytes", .int(summary.statistics.bytes)),
      ("sizesCountedAsOne", .array(session.analysis.sizesCountedAsOne(in: model).map { .string($0.name) })),
      ("prunableShare", .double(summary.prunableShare)), ("groups", .int(summary.groupCount)),
      ("operators", .object(summary.operators.map { ($0.name, .int($0.count)) })),
      ("operatorsWithoutRule", .object(summary.withoutRule.map { ($0.name, .int($0.count)) })),
      ("nodes", .int(counts.nodes)), ("initializers", .int(counts.initializers)),
      ("inputs", .array(summary.inputs.map(\.json))), ("outputs", .array(summary.outputs.map(\.json))),
      ("opsets", .array(summary.opsets.map { .string("\($0.domain) \($0.version)") })),
      ("irVersion", model.irVersion.map { .int(Int($0)) } ?? .null),
      ("producer", .object([("name", text(model.producerName)), ("version", text(model.producerVersion))])),
      ("barriers", .array(Barrier.largest(session.analysis, .max).filter { !$0.isNatural }.map(\.json))),
      ("analysisSeconds", .double(session.analysisSeconds)),
    ]
    return .object(entries + (memory.map { [("memory", $0.json)] } ?? []))
  }
}
