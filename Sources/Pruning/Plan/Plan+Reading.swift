import Analysis
import Dimensions
import FoundationEssentials

/// Why a plan cannot be applied to a model.
public struct PlanError: Error, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// What a plan file says: the keep sets it asks for, and the slices that go.
public struct PlanFile: Sendable {
  public let digest: String?
  /// `nil` where the file leaves them out.
  public let removed: [Plan.Removal]?
  /// The name of the criterion that chose, and the seed of what was drawn; `nil` where the file leaves them out.
  public let criterion: String?
  public let seed: UInt64?
  private let groups: [Contents.Group]
  private let path: String

  private struct Contents: Decodable {
    struct Model: Decodable { let sha256: String? }
    struct Options: Decodable {
      let criterion: String?
      let seed: String?
    }
    struct Group: Decodable {
      let id: String
      let size: Int
      let keep: [Int32]
    }

    let model: Model?
    let options: Options?
    let groups: [Group]?
    let removed: [Plan.Removal]?
  }

  private struct Header: Decodable { let format: String? }

  /// - Throws: where the text is not a plan, naming the path and the place.
  public init(parsing bytes: some Sequence<UInt8>, path: String) throws(PlanError) {
    self.path = path
    let data = Data(bytes)
    let contents: Contents
    do {
      let decoder = JSONDecoder()
      guard try decoder.decode(Header.self, from: data).format == Plan.format else {
        throw PlanError("\(path): not a plan of the format \(Plan.format)")
      }
      contents = try decoder.decode(Contents.self, from: data)
    } catch let error as PlanError { throw error } catch {
      throw PlanError("\(path): not a plan: \(Self.describe(error))")
    }
    digest = contents.model?.sha256
    groups = contents.groups ?? []
    removed = contents.removed
    criterion = contents.options?.criterion
    seed = contents.options?.seed.flatMap { UInt64($0) }
    if let text = contents.options?.seed, seed == nil {
      throw PlanError("\(path): not a plan: options.seed: \(text) is no seed")
    }
    for group in groups {
      let isAscending = zip(group.keep, group.keep.dropFirst()).allSatisfy { $0 < $1 }
      guard isAscending, let first = group.keep.first, let last = group.keep.last, first >= 0, last < group.size else {
        throw PlanError(
          "\(path): group \(group.id): keep must be ascending indices below \(group.size), at least one")
      }
    }
  }

  /// What is wrong, and at which key.
  private static func describe(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.reduce("") { $0 + ($1.intValue.map { "[\($0)]" } ?? ($0.isEmpty ? "" : ".") + $1.stringValue) }
    }
    switch error as? DecodingError {
    case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
    case .valueNotFound(_, let context), .typeMismatch(_, let context):
      return "\(place(context.codingPath)): \(context.debugDescription)"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "\(place(context.codingPath)): \(context.debugDescription)"
    default: return "it is no valid JSON; coppice plan writes one"
    }
  }

  /// The selection this plan is for the analysed model.
  public func keepSets(_ analysis: ModelAnalysis) throws(PlanError) -> KeepSets {
    let keep: KeepSets
    do { keep = try KeepSets(groups.map { ($0.id, $0.size, $0.keep) }, analysis) } catch {
      throw PlanError("\(path): \(error)")
    }
    // What goes is said twice, for people's tools and for this; it has to be the same.
    guard let removed else { return keep }
    let expected = Plan.removals(analysis, keep)
    guard removed != expected else { return keep }
    let other = removed.first { !expected.contains($0) } ?? expected.first { !removed.contains($0) }
    throw PlanError(
      "\(path): removed and groups contradict each other, as in \(other?.tensor ?? ""); make a new plan")
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
      if let group = groups[entry.id], self[group.dimension] != nil {
        throw PlanError("the plan names the group \(entry.id) twice")
      }
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
