import ArgumentParser
import Coppice

struct Groups: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows which channels belong together, and what is fixed and why.",
    discussion: """
      --remarks adds a line for everything the analysis has to say: passed (what can be pruned), missed (what cannot,
      by node and reason) and analysis (where removal is approximate, what is shared).

      EXAMPLE
        coppice groups model.onnx --remarks
      """)

  @Argument(help: "The model to look at.", completion: .file(extensions: ["onnx"])) var model: String
  @Flag(help: "Show what was found, what was fixed and why.") var remarks = false
  @Flag(help: "Print JSON.") var json = false
  @OptionGroup var talk: TalkArguments

  func run() throws {
    let session = try Session(path: model)
    talk.explain("read and analysed in \(session.analysisSeconds) s")
    try printOut(json ? Self.json(session).text(linesTo: 2) : Talk.printable(text(session.analysis)))
  }

  private func text(_ analysis: ModelAnalysis) -> String {
    var rows = [["group", "kind", "size", "members", "removal is", "first node"]]
    for group in analysis.groups {
      rows.append([
        group.id, group.kind.rawValue, "\(group.size)", "\(group.members.count)",
        group.isExact ? "exact" : "approximate", group.members.lazy.compactMap(analysis.reader).first ?? "–",
      ])
    }
    let found = analysis.groups.isEmpty ? "no groups: nothing here can be pruned" : table(rows, leading: [0, 1, 4, 5])
    let lines = remarks ? Remarks(analysis: analysis).lines : []
    return lines.isEmpty ? found : found + "\n\n" + lines.joined(separator: "\n")
  }

  private static func json(_ session: Session) -> JSONText {
    let analysis = session.analysis
    let groups = analysis.groups.map { group -> JSONText in
      let members = group.members.map { member -> JSONText in
        .object([
          ("tensor", .string(analysis.weights[member.weight].name)), ("axis", .int(member.axis)),
          ("node", analysis.reader(of: member).map { .string($0) } ?? .null),
        ])
      }
      let causes = group.approximations.map { cause -> JSONText in
        .object([
          ("node", cause.node.map { .string(analysis.nodes[$0].label) } ?? .null), ("reason", .string(cause.reason)),
        ])
      }
      return .object([
        ("id", .string(group.id)), ("kind", .string(group.kind.rawValue)), ("size", .int(group.size)),
        ("exact", .bool(group.isExact)), ("members", .array(members)), ("approximations", .array(causes)),
      ])
    }
    let fixed = analysis.fixed.map { Barrier($0, in: analysis).json }
    return .object([
      ("version", .int(1)), ("groups", .array(groups)), ("fixed", .array(fixed)),
      ("analysisSeconds", .double(session.analysisSeconds)),
    ])
  }
}

extension ModelAnalysis {
  /// The first node that reads a member's weight: it says where in the model a group is, as many tensors' names do not.
  fileprivate func reader(of member: PruningGroup.Member) -> String? {
    weights[member.weight].readers.first.map { nodes[$0.node].label }
  }
}
