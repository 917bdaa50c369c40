import ArgumentParser
import Coppice

/// How channels are scored.
struct ScoringArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Criterion: \(Criteria.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")).", valueName: "name"))
  var criterion = "l2"

  @Option(help: ArgumentHelp("How the scores of a group's weights become one.", valueName: "way"))
  var aggregate = Aggregation.mean

  @Option(
    help: ArgumentHelp(
      "Weights that are looked at (default: what is usual for the criterion).", valueName: "weights"))
  var members: MemberScope?

  @Option(
    name: [.customLong("normalise"), .customLong("normalize")],
    help: ArgumentHelp(
      "How groups are made comparable (default: what is usual for the criterion).", valueName: "way"))
  var normalise: ScoreNormalization?

  @Option(help: ArgumentHelp("Seed of what is drawn at random.", valueName: "number"))
  var seed: UInt64 = 0

  func validate() throws { _ = try scoring() }

  func scoring() throws -> Scoring {
    var scoring = try understood { try Scoring(named: criterion) }
    scoring.aggregation = aggregate
    scoring.members = members
    scoring.normalization = normalise
    scoring.seed = seed
    return scoring
  }
}

extension Aggregation: ExpressibleByArgument {}
extension MemberScope: ExpressibleByArgument {}
extension ScoreNormalization: ExpressibleByArgument {}
