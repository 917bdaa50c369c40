/// One step of a pipeline: something done to a model, or found out about it.
///
/// To add a pass, write one type in a file of its own and list it in ``PassRegistry/standard``. Its options are
/// described once, in ``options``; checking them, the JSON Schema, `coppice passes` and Docs/Passes.md all come from
/// that description. Timing and the counts before and after are measured by ``Pipeline``.
public protocol Pass: Sendable {
  /// The name pipelines call it by, in kebab-case.
  static var name: String { get }
  /// One sentence on what it does, ending with a full stop.
  static var abstract: String { get }
  static var options: [PassOption] { get }

  /// - Parameter options: values checked against ``options``.
  init(_ options: OptionValues) throws(ConfigError)

  /// Does the work. What is thrown leaves `model` in an unspecified state, and the pipeline stops.
  func run(_ model: inout Model, in context: Context) throws -> PassReport
}

/// What a pass has to say about its run.
public struct PassReport: Sendable {
  /// Whether the model is another one than before.
  public var isModified: Bool
  /// What the pass counted, by name, in the order to show.
  public var statistics: [(name: String, value: JSONText)]
  /// How the pass went, point by point, where it was long: too much for a line, and for the report alone.
  public var course: [JSONText] = []
  /// Where the pass removed channels: what it decided.
  public var plan: Plan?
  /// Where the pass chose other channels than the prune pass before it: the plan that stands in for that one's.
  public var revisedPlan: Plan?
  /// Layers whose weights make up for what was removed: outputs are then no longer those of the zeroed original.
  public var repairedLayers = 0

  public init(isModified: Bool, statistics: [(name: String, value: JSONText)] = [], plan: Plan? = nil) {
    self.isModified = isModified
    self.statistics = statistics
    self.plan = plan
  }

  /// Whether the pass decided what is removed from the original, and the model follows from that.
  var decides: Bool { plan != nil || revisedPlan != nil }
}
