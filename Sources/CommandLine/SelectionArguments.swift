import ArgumentParser
import Coppice
import Dimensions

/// What to remove: the same flags for `plan` and `prune`.
struct SelectionArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Share of each chosen dimension to remove, between 0 and 1.", valueName: "share"))
  var ratio: Double

  @Option(
    help: ArgumentHelp(
      "Kinds of dimensions to cut: all, or a list of channel, ffn, head, head-width, kv-group, hidden, expert, conv-group, embedding, other.",
      valueName: "list"))
  var kinds: String?

  @Option(help: ArgumentHelp("Round kept widths to multiples of this.", valueName: "number"))
  var roundTo = 8

  @Option(help: ArgumentHelp("How channels are scored: l1, l2 or random.", valueName: "name"))
  var criterion = "l2"

  @Option(help: ArgumentHelp("Seed of what is drawn at random.", valueName: "number"))
  var seed: UInt64 = 0

  @Flag(help: "Leave dimensions alone whose removal is not the same as zeroing them.")
  var exactOnly = false

  func validate() throws {
    guard ratio > 0, ratio < 1 else { throw ValidationError("--ratio must be between 0 and 1, not \(ratio)") }
    guard roundTo > 0 else { throw ValidationError("--round-to must be at least 1, not \(roundTo)") }
    guard Criteria.named(criterion) != nil else {
      let names = Criteria.all.map(\.name).joined(separator: ", ")
      throw ValidationError("there is no criterion \(criterion); choose one of \(names)")
    }
    _ = try selectedKinds()
  }

  private func selectedKinds() throws -> SelectionOptions.Kinds {
    guard let kinds else { return .usual }
    if kinds == "all" { return .all }
    var list: Set<DimensionKind> = []
    for name in kinds.split(separator: ",") {
      guard let kind = DimensionKind(rawValue: String(name)) else {
        let names = DimensionKind.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("there is no kind \(name); choose from \(names)")
      }
      list.insert(kind)
    }
    return .only(list)
  }

  /// Scores and selects.
  func select(_ session: Session) throws -> (selection: Selection, keep: KeepSets) {
    var options = SelectionOptions(ratio: ratio)
    options.kinds = try selectedKinds()
    options.roundTo = roundTo
    options.exactOnly = exactOnly
    options.seed = seed
    guard let criterion = Criteria.named(criterion) else { throw ValidationError("there is no criterion \(criterion)") }
    var context = ScoringContext(analysis: session.analysis, seed: seed)
    let selection = Selection(
      analysis: session.analysis, criterion: criterion, options: options, context: &context)
    for name in context.nonFiniteTensors {
      Talk.say("warning: \(session.path): tensor \(name) holds NaN or infinity; its channels are ranked last")
    }
    guard !selection.decisions.isEmpty else {
      throw Failure.nothingPruned(
        "\(session.path): nothing to prune with these options; see coppice groups \(session.path) --remarks")
    }
    return (selection, selection.keepSets(session.analysis))
  }
}
