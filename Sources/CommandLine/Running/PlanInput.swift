import Coppice
import Dimensions

/// A plan read from a file, for the model it was made for.
struct PlanInput {
  let keep: KeepSets
  let groups: [Plan.Group]
  let removals: [Plan.Removal]
  /// What chose; `nil` where the plan names none that is known.
  let criterion: (any Criterion)?
  /// Of what was drawn to make the plan; 0, as is usual, where it names none.
  let seed: UInt64
  /// SHA-256 of the plan's file.
  let digest: String

  /// - Parameter digest: SHA-256 of the model's file.
  init(path: String, for session: Session, digest: @autoclosure () -> String) throws {
    let region = try ONNXReader.bytes(ofFile: path)
    let file = try region.withUnsafeBytes { bytes throws(PlanError) in try PlanFile(parsing: bytes, path: path) }
    guard file.digest == nil || file.digest == digest() else {
      throw Failure.usage("\(path): was made for another file than \(session.path); make a new plan")
    }
    let keep = try file.keepSets(session.analysis)
    self.keep = keep
    groups = session.analysis.groups.compactMap { group in
      keep[group.dimension].map { Plan.Group(group, keep: $0, asked: $0.count) }
    }
    removals = file.removed ?? []
    criterion = file.criterion.flatMap { Criteria.named($0) }
    seed = file.seed ?? 0
    self.digest = region.withUnsafeBytes { Plan.digest(of: $0) }
  }
}
