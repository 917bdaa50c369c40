import ArgumentParser
import Coppice
import Dimensions

/// What to remove: the same flags for `plan` and `prune`.
struct SelectionArguments: ParsableArguments {
  @OptionGroup(title: "How much goes (a ratio, or budgets that all have to hold)") var target: TargetArguments
  @OptionGroup(title: "What goes") var choice: ChoiceArguments
  @OptionGroup(title: "How channels are scored") var scoring: ScoringArguments

  func validate() throws { _ = try options() }

  private func options() throws -> SelectionOptions {
    try understood {
      var options = SelectionOptions(try target.target())
      try choice.apply(to: &options)
      return options
    }
  }

  /// Scores and selects.
  func select(_ session: Session) throws -> (selection: Selection, keep: KeepSets) {
    var options = try options()
    let selection: Selection
    do {
      if target.size != nil { try options.measure(session.model, session.analysis, fileBytes: session.fileBytes()) }
      selection = try Selection(analysis: session.analysis, scoring: scoring.scoring(), options: options)
    } catch let error as SelectionError {
      throw error.isUsageError ? Failure.usage("\(error)") : Failure.impossible("\(session.path): \(error)")
    } catch let error as RewriteError {
      throw Failure.other("\(session.path): \(error)")
    }
    for name in selection.nonFiniteTensors {
      Talk.say("warning: \(session.path): tensor \(name) holds NaN or infinity; its channels are ranked last")
    }
    for remark in selection.remarks { Talk.say("remark: \(remark)") }
    guard !selection.decisions.isEmpty || target.ratio == nil else {
      throw Failure.nothingPruned(
        "\(session.path): nothing to prune with these options; see coppice groups \(session.path) --remarks")
    }
    report(selection, session.analysis)
    return (selection, selection.keepSets(session.analysis))
  }

  /// Says what was asked for and what came of it.
  private func report(_ selection: Selection, _ analysis: ModelAnalysis) {
    let budgets = selection.record.budgets
    // Where several have to hold, one of them decides and the others follow.
    let isTight = budgets.isEmpty || budgets.contains { $0.isTight }
    for outcome in budgets {
      Talk.say(outcome.text + (isTight ? "" : ", as near as rounding to \(choice.roundTo) and the rules allow"))
    }
    let asked = selection.decisions.reduce(0) { $0 + $1.asked }
    let kept = selection.decisions.reduce(0) { $0 + $1.keep.count }
    if asked != kept {
      Talk.say("kept \(kept) channels where \(asked) were asked for, for widths in multiples of \(choice.roundTo)")
    }
  }
}

/// Runs what reads arguments; what it cannot read is a usage error in one line.
func understood<Value>(_ body: () throws -> Value) throws -> Value {
  do { return try body() } catch let error as SelectionError { throw ValidationError("\(error)") }
}
