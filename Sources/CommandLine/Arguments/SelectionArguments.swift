import ArgumentParser
import Coppice

/// What to remove: the same flags for `plan` and `prune`.
struct SelectionArguments: ParsableArguments {
  @OptionGroup(title: "How much goes (a ratio, or budgets that all have to hold)") var target: TargetArguments
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Score channels and remove a part of them this many times, from 1 to 1000.", valueName: "number"))
  var rounds = 1
  @OptionGroup(title: "What goes") var choice: ChoiceArguments
  @OptionGroup(title: "How channels are scored") var scoring: ScoringArguments

  func validate() throws {
    guard PruningRounds.allowed.contains(rounds) else { throw ValidationError("--rounds must be from 1 to 1000") }
    // Nothing at all may be a mistyped flag, which the parser tells after this.
    if target.isGiven { _ = try options() }
  }

  /// The pass that does what the flags say.
  func pass(_ calibration: PruneCalibration) throws -> PrunePass {
    let scoring = try scoring.scoring()
    return PrunePass(try options(), scoring: scoring, calibration: calibration, seed: scoring.seed, rounds: rounds)
  }

  private func options() throws -> SelectionOptions {
    try understood {
      var options = SelectionOptions(try target.target())
      try choice.apply(to: &options)
      return options
    }
  }
}

/// Runs what reads arguments; what it cannot read is a usage error in one line.
func understood<Value>(_ body: () throws -> Value) throws -> Value {
  do { return try body() } catch let error as SelectionError { throw ValidationError("\(error)") }
}
