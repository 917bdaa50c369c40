import Analysis
import Crypto
import Dimensions
import IR

/// The decision what to remove from one model, apart from the act of removing it.
public struct Plan: Sendable {
  /// What the plan decides for one group.
  public struct Group: Sendable {
    /// ``PruningGroup/id``: the same for the same model.
    public let id: String
    /// Where it is and what it counts, for people.
    public let name: String
    public let kind: DimensionKind
    /// Channels before.
    public let size: Int
    /// The indices that stay, ascending.
    public let keep: [Int32]
    /// Whether removing a channel equals zeroing its slices.
    public let isExact: Bool
    /// How many channels would stay but for rounding.
    public let asked: Int

    public init(_ group: PruningGroup, keep: [Int32], asked: Int) {
      id = group.id
      name = group.name
      kind = group.kind
      size = group.size
      self.keep = keep
      isExact = group.isExact
      self.asked = asked
    }
  }

  /// A slice that goes, in the names of the input model.
  public struct Removal: Sendable, Equatable, Decodable {
    /// The initializer's name, or the output's of the `Constant` node that holds it.
    public let tensor: String
    public let axis: Int
    /// Ascending indices of the axis that go.
    public let indices: [Int32]
    /// Set where only this node's use of the tensor is cut.
    public let node: String?

    public init(tensor: String, axis: Int, indices: [Int32], node: String?) {
      self.tensor = tensor
      self.axis = axis
      self.indices = indices
      self.node = node
    }
  }

  public static let format = "coppice-plan/1"

  public let modelPath: String
  /// SHA-256 of the model's file; empty where there is none, and then the plan names no model.
  public var modelDigest = ""
  /// How the decision was made.
  public let record: SelectionRecord
  public let groups: [Group]
  public let removed: [Removal]
  public let before: ModelStatistics
  public let after: ModelStatistics

  /// Scores the channels of an analysed model and decides which stay.
  /// - Throws: ``SelectionError`` for options that contradict themselves or the model, and what a criterion throws.
  public init(
    of analysis: ModelAnalysis, scoring: Scoring = .magnitude(p: 2), options: SelectionOptions
  ) throws {
    let selection = try Selection(analysis: analysis, scoring: scoring, options: options)
    self.init(selection: selection, analysis: analysis)
  }

  /// Records a selection made on an analysed model.
  public init(selection: Selection, analysis: ModelAnalysis, modelPath: String = "") {
    let keep = selection.keepSets(analysis)
    self.modelPath = modelPath
    record = selection.record
    groups = selection.decisions.map {
      Group(analysis.groups[$0.group], keep: $0.keep, asked: $0.asked)
    }
    removed = Self.removals(analysis, keep)
    before = ModelStatistics(analysis)
    after = ModelStatistics(analysis, keeping: keep)
  }

  /// The slices that go where these indices stay.
  public static func removals(_ analysis: ModelAnalysis, _ keep: KeepSets) -> [Removal] {
    var removed: [Removal] = []
    for weight in analysis.weights {
      for (axis, dimension) in weight.axes.enumerated() {
        guard let kept = analysis.dimensions.keptIndices(dimension, keep) else { continue }
        let keptSet = Set(kept)
        let indices = (0..<Int32(weight.tensor.shape[axis])).filter { !keptSet.contains($0) }
        if !indices.isEmpty {
          removed.append(Removal(tensor: weight.name, axis: axis, indices: indices, node: weight.useLabel))
        }
      }
    }
    return removed
  }

  /// The plan as JSON, an entry a line, in stable order.
  public var json: JSONText {
    let model = JSONText.object([("path", .string(modelPath)), ("sha256", .string(modelDigest))])
    return .object([
      ("format", .string(Self.format)), ("model", modelDigest.isEmpty ? .null : model),
      ("options", record.json),
      ("groups", .array(groups.map(\.json))),
      ("removed", .array(removed.map(\.json))),
      ("before", before.json),
      ("after", after.json),
    ])
  }

  /// The text of a plan's file.
  public var text: String { json.text(linesTo: 2) + "\n" }

  /// SHA-256 of that text, in hexadecimal.
  public var digest: String {
    var text = text
    return text.withUTF8 { Self.digest(of: UnsafeRawBufferPointer($0)) }
  }

  /// SHA-256 of bytes, in hexadecimal.
  public static func digest(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bufferPointer: bytes)
    let digits = Array("0123456789abcdef")
    return String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension Plan.Group {
  var json: JSONText {
    .object([
      ("id", .string(id)), ("dim", .string(name)), ("kind", .string(kind.rawValue)), ("size", .int(size)),
      ("asked", .int(asked)), ("achieved", .int(keep.count)), ("exact", .bool(isExact)),
      ("keep", .array(keep.map { .int(Int($0)) })),
    ])
  }
}

extension Plan.Removal {
  var json: JSONText {
    .object(
      [("tensor", .string(tensor)), ("axis", .int(axis)), ("indices", .array(indices.map { .int(Int($0)) }))]
        + (node.map { [("node", .string($0))] } ?? []))
  }
}

extension ModelStatistics {
  public var json: JSONText {
    .object([("parameters", .int(parameters)), ("macs", .int(macs)), ("bytes", .int(bytes))])
  }
}
