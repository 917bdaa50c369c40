import Analysis
import Dimensions
import IR

/// Removes a part, scores what is left, and removes the next, several times: what a channel matters depends on which
/// others there are.
///
/// ```swift
/// let scoring = try Scoring(named: "synflow")
/// let selection = try PruningRounds(100, of: model, analysis).select(
///   scoring: scoring, options: options,
///   measure: { _, model, analysis in
///     try Measuring(model, analysis, data: nil).evidence(for: scoring.criterion)
///   })
/// ```
///
/// Every round looks at the whole model in which what was removed so far is zero, so that channels keep their places.
/// Where groups are exact it computes what the pruned model computes; behind a normalization over the channels that
/// went it only comes near. What is removed does not come back. How much each round removes says ``PruningRound``; with
/// one round it is the same as a ``Selection``.
public struct PruningRounds {
  /// How many rounds there may be.
  public static let allowed = 1...1000

  private let count: Int
  private let model: Model
  private let analysis: ModelAnalysis

  /// - Throws: for a number of rounds out of range.
  public init(_ count: Int, of model: Model, _ analysis: ModelAnalysis) throws(SelectionError) {
    try Self.check(count)
    self.count = count
    self.model = model
    self.analysis = analysis
  }

  /// - Throws: for a number of rounds out of range.
  public static func check(_ count: Int) throws(SelectionError) {
    guard !allowed.contains(count) else { return }
    throw .outOfRange(
      what: "rounds", value: "\(count)", allowed: "from \(allowed.lowerBound) to \(allowed.upperBound)")
  }

  /// The decision of the last round, which keeps a part of what every round before it kept.
  ///
  /// - Parameters:
  ///   - measure: finds out what the criterion needs to know of the model as a round finds it. It is called for the
  ///     first round, and for others where the one before removed something. How much groups count,
  ///     ``Evidence/groupWeights``, is taken from the first round.
  ///   - scored: called after each group with how many of how many are scored in a round; not called where the round
  ///     before it removed nothing.
  /// - Throws: ``SelectionError`` for options that contradict themselves or the model, ``PlanError`` where names do not
  ///   tell weights apart, and what the criterion and the closures throw.
  public func select(
    scoring: Scoring, options: SelectionOptions,
    measure: (_ round: PruningRound, _ model: Model, _ analysis: ModelAnalysis) throws -> Evidence = { _, _, _ in
      .none
    },
    scored: (_ round: PruningRound, _ groups: Int, _ all: Int) throws -> Void = { _, _, _ in }
  ) throws -> Selection {
    try Selection.check(options, on: analysis)
    var current = analysis
    var round = PruningRound(number: 1, of: count)
    var evidence = try measure(round, model, analysis)
    let groupWeights = evidence.groupWeights
    var removed = 0
    var nonFinite: [String] = []
    var known: Selection.Scores?
    while true {
      let now = round
      var selection = try Selection(
        analysis: current, scoring: scoring, options: options, evidence: evidence, round: now,
        reusing: known
      ) { groups, all in try scored(now, groups, all) }
      // What was not finite is zero in the rounds after it went.
      let found = selection.nonFiniteTensors.filter { name in !nonFinite.contains(name) }
      nonFinite += found
      guard !now.isLast else {
        selection.nonFiniteTensors = nonFinite
        return selection
      }
      let keep = selection.keepSets(analysis)
      round = now.next(alive: keep)
      let gone = selection.decisions.reduce(0) { $0 + analysis.groups[$1.group].size - $1.keep.count }
      // Where nothing went scores are what they were.
      known = gone > removed ? nil : selection.scores
      guard gone > removed else { continue }
      removed = gone
      let zeroed = try ZeroedModel(model, analysis, keeping: keep)
      current = zeroed.analysis
      evidence = try measure(round, zeroed.model, zeroed.analysis)
      evidence.groupWeights = groupWeights
    }
  }
}
