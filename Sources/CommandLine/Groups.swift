import ArgumentParser
import Coppice

struct Groups: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows which channels belong together, and what is fixed and why.",
    discussion: "EXAMPLE\n  coppice groups model.onnx --remarks")

  @Argument(help: "The model to look at.") var model: String
  @Flag(help: "Show what was fixed and why.") var remarks = false
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let session = try Session(path: model)
    print(json ? Self.json(session).text(linesTo: 2) : text(session))
  }

  private func text(_ session: Session) -> String {
    let analysis = session.analysis
    var rows = [["group", "size", "members", "removal is"]]
    for group in analysis.groups {
      rows.append([group.id, "\(group.size)", "\(group.members.count)", group.isExact ? "exact" : "approximate"])
    }
    var text = analysis.groups.isEmpty ? "no groups: nothing here can be pruned" : table(rows)
    if remarks {
      text += "\n\nfixed:"
      for remark in analysis.fixed {
        let place = remark.node.map { "\(analysis.nodes[$0].opType) \(analysis.nodes[$0].label)" } ?? "graph"
        text += "\n  \(place): \(remark.reason) (\(remark.dimensions) dims, \(grouped(remark.parameters)) parameters)"
      }
      for group in analysis.groups where !group.isExact {
        for cause in group.approximations {
          let place = cause.node.map { analysis.nodes[$0].label } ?? "graph"
          text += "\napproximate: \(group.id): \(place): \(cause.reason)"
        }
      }
    }
    return text
  }

  private static func json(_ session: Session) -> JSONText {
    let analysis = session.analysis
    let groups = analysis.groups.map { group -> JSONText in
      let members = group.members.map { member -> JSONText in
        .object([("tensor", .string(analysis.weights[member.weight].name)), ("axis", .int(member.axis))])
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
    let fixed = analysis.fixed.map { remark -> JSONText in
      .object([
        ("node", remark.node.map { .string(analysis.nodes[$0].label) } ?? .null), ("reason", .string(remark.reason)),
        ("dims", .int(remark.dimensions)), ("parameters", .int(remark.parameters)),
      ])
    }
    return .object([
      ("version", .int(1)), ("groups", .array(groups)), ("fixed", .array(fixed)),
      ("analysisSeconds", .double(session.analysisSeconds)),
    ])
  }
}
