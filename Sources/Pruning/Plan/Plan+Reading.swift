import Analysis
import Dimensions

/// Why a plan cannot be applied to a model.
public struct PlanError: Error, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// The keep sets a plan file asks for.
public struct PlanFile: Sendable {
  public let digest: String?
  fileprivate let keeps: [(id: String, size: Int, keep: [Int32])]
  private let path: String

  public init(parsing bytes: some Sequence<UInt8>, path: String) throws(PlanError) {
    self.path = path
    let json: JSONText
    do { json = try JSONText(parsing: bytes) } catch { throw PlanError("\(path): not a plan: \(error)") }
    guard json["format"]?.string == Plan.format else {
      throw PlanError("\(path): not a plan of the format \(Plan.format)")
    }
    digest = json["model"]?["sha256"]?.string
    var keeps: [(id: String, size: Int, keep: [Int32])] = []
    for group in json["groups"]?.array ?? [] {
      guard let id = group["id"]?.string, let size = group["size"]?.int, let list = group["keep"]?.array else {
        throw PlanError("\(path): a group lacks id, size or keep")
      }
      let keep = list.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
      let isAscending = zip(keep, keep.dropFirst()).allSatisfy { $0 < $1 }
      guard keep.count == list.count, isAscending, let first = keep.first, let last = keep.last, first >= 0, last < size
      else { throw PlanError("\(path): group \(id): keep must be ascending indices below \(size), at least one") }
      keeps.append((id, size, keep))
    }
    self.keeps = keeps
  }

  /// The selection this plan is for the analysed model.
  public func keepSets(_ analysis: ModelAnalysis) throws(PlanError) -> KeepSets {
    do { return try KeepSets(keeps, analysis) } catch { throw PlanError("\(path): \(error)") }
  }
}

extension Plan {
  /// What the plan keeps of an analysed model: the one it was made for, or another with the same groups.
  public func keepSets(_ analysis: ModelAnalysis) throws(PlanError) -> KeepSets {
    try KeepSets(groups.map { ($0.id, $0.size, $0.keep) }, analysis)
  }
}

extension KeepSets {
  /// Finds the groups of entries by their identifiers.
  fileprivate init(
    _ entries: [(id: String, size: Int, keep: [Int32])], _ analysis: ModelAnalysis
  ) throws(PlanError) {
    self.init()
    let groups = Dictionary(analysis.groups.map { ($0.id, $0) }) { first, _ in first }
    for entry in entries {
      guard let group = groups[entry.id] else {
        throw PlanError("the model has no group \(entry.id); see coppice groups")
      }
      guard group.size == entry.size else {
        throw PlanError("group \(entry.id) has \(group.size) channels, the plan says \(entry.size)")
      }
      self[group.dimension] = entry.keep
    }
  }
}
