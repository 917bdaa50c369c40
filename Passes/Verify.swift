/// Compares the model with the one the pipeline started from: the same interface, and only the slices gone that were
/// decided to go.
public struct VerifyPass: Pass {
  public static let name = "verify"
  public static let abstract = "Checks interface and tensor sizes against the original model and what was pruned."
  public static let options: [PassOption] = []

  public init() {}

  public init(_ options: OptionValues) throws(ConfigError) {}

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    var differences = InterfaceComparison.differences(context.original, model)
    let plans = context.earlier.compactMap(\.report.plan)
    differences += SizeComparison.differences(
      context.original, model, removals: plans.flatMap(\.removed))
    // A graph that contradicts itself shows when it is analysed.
    _ = try context.analysis(of: model)
    guard let first = differences.first else {
      return PassReport(isModified: false, statistics: [("differences", .int(0))])
    }
    let more = differences.count > 1 ? " (and \(differences.count - 1) more differences)" : ""
    throw PassError.mismatch("\(context.source.path): the pruned model differs: \(first)\(more)")
  }
}
