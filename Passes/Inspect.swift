/// Reports how large the model is at this point and what of it can be pruned.
public struct InspectPass: Pass {
  public static let name = "inspect"
  public static let abstract = "Reports parameters, MACs, bytes and the prunable share at this point."
  public static let options: [PassOption] = []

  public init() {}

  public init(_ options: OptionValues) throws(ConfigError) {}

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let summary = ModelSummary(model, analysis: try context.analysis(of: model))
    return PassReport(
      isModified: false,
      statistics: [
        ("parameters", .int(summary.statistics.parameters)), ("macs", .int(summary.statistics.macs)),
        ("bytes", .int(summary.statistics.bytes)), ("groups", .int(summary.groupCount)),
        ("prunableShare", .double(summary.prunableShare)),
      ])
  }
}
