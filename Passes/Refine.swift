import Calibration

/// Swaps channels that `prune` kept for removed ones where the layer that reads them then loses less behind its best
/// repair; see `Refinement`. As many channels stay, and weights are those of the original.
public struct RefinePass: Pass {
  public static let name = "refine"
  public static let abstract =
    "Swaps channels that prune kept for removed ones where the layer that reads them then loses less."
  public static let options: [PassOption] =
    SampleOptions.descriptions() + [
      SampleOptions.momentMemory,
      PassOption(
        "iterations", .integer(atLeast: 1), default: "20", help: "Rounds of swaps of each group at most."),
      PassOption(
        "damping", .number(0...1000), default: "0.01, 0.1 on noise that is not fitted",
        help: "What is added to the variances of inputs, as a share of their mean; best what reconstruct is given."),
    ]

  private let samples: SampleReader
  private let refining: Refinement.Options

  /// - Parameter refining: its seed is not looked at: it is the context's.
  public init(refining: Refinement.Options = Refinement.Options(), samples: @escaping SampleReader) {
    self.samples = samples
    self.refining = refining
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    var refining = Refinement.Options()
    refining.batch = options.integer("batch") ?? refining.batch
    refining.iterations = options.integer("iterations") ?? refining.iterations
    refining.damping = options.number("damping") ?? refining.damping
    refining.memoryBudget = try SampleOptions.memoryBudget(options) ?? refining.memoryBudget
    self.init(refining: refining, samples: try SampleOptions.required(options, of: Self.name))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let cut = try PipelineCut(for: Self.name, in: context)
    let data = try samples(cut.original, context)
    var options = refining
    options.seed = context.seed
    let refinement = Refinement(of: cut.original, cut.analysis, keep: cut.keep, options: options)
    let (keep, report) = try refinement(on: data, progress: context.measuringProgress)
    for (group, reason) in report.skipped { context.logger.notice("remark: \(group) is not refined: \(reason)") }
    var result = PassReport(isModified: report.swaps > 0, statistics: Self.statistics(report))
    guard result.isModified else { return result }
    try context.cancellation.check()
    let plan = cut.plan.keeping(keep, of: cut.analysis)
    do throws(RewriteError) { model = try cut.original.keeping(keep, analysis: cut.analysis) } catch {
      throw PassError.other("\(context.source.path): \(error)")
    }
    model.recordProvenance(of: plan.groups)
    result.revisedPlan = plan
    return result
  }

  private static func statistics(_ report: Refinement.Report) -> [(name: String, value: JSONText)] {
    let groups = report.groups.map { group in
      JSONText.object([
        ("group", .string(group.id)), ("layer", .string(group.layer)), ("swaps", .int(group.swaps)),
        ("lossBefore", .double(group.lossBefore)), ("lossAfter", .double(group.lossAfter)),
      ])
    }
    return [
      ("swaps", .int(report.swaps)), ("skippedGroups", .int(report.skipped.count)), ("groups", .array(groups)),
    ]
  }
}
