import ArgumentParser
import Coppice

/// Which channels may go.
struct ChoiceArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Kinds of dimensions to cut: all, or a list of \(DimensionKind.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "list"))
  var kinds: String?

  @Option(
    help: ArgumentHelp(
      "Where the least important are looked for (default: group for a ratio, global for budgets).", valueName: "scope"))
  var scope: Scope?

  @Option(help: ArgumentHelp("Round kept widths to multiples of this.", valueName: "number"))
  var roundTo = 8

  @Option(
    help: ArgumentHelp(
      "Least share of each group that stays (default: 0.1 where groups are ranked together).", valueName: "share"))
  var minKeepShare: Double?

  @Option(help: ArgumentHelp("Largest share of each group that goes.", valueName: "share"))
  var maxRatio: Double?

  @Option(
    name: .customLong("rule"),
    help: ArgumentHelp(
      "Exception for some groups, such as '/layer1/*:max-ratio=0.3', 'op=Gemm:keep', 'kind=head:ratio=0.25' or 'tensor=fc.*:min-keep=32'; the last match wins. May be repeated.",
      valueName: "pattern:limit"))
  var rules: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file of such rules, one a line, before those of --rule; lines that begin with # say nothing.",
      valueName: "path"),
    completion: .file(), transform: { try RuleFile(path: $0) })
  var rulesFrom: RuleFile?

  @Option(
    help: ArgumentHelp(
      "How far costs enter a global ranking for budgets: 0 not at all, 1 fully.", valueName: "number"))
  var costExponent: Double?

  @Flag(help: "Leave dimensions alone whose removal is not the same as zeroing them.")
  var exactOnly = false

  func apply(to options: inout SelectionOptions) throws {
    if let kinds { options.kinds = try SelectionOptions.Kinds(parsing: kinds) }
    options.scope = scope
    options.roundTo = roundTo
    options.minimumKeepShare = minKeepShare
    options.maximumRatio = maxRatio
    options.rules = try (rulesFrom?.rules ?? []) + rules.map { try Rule(parsing: $0) }
    options.costExponent = costExponent
    options.exactOnly = exactOnly
    try options.validate()
  }
}

extension Scope: ExpressibleByArgument {}
