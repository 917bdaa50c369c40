import Calibration

/// Gives the linear layers behind a cut the weights and biases with which they come as near as possible, in least
/// squares over samples, to what they made before; see `Repair`. Labels are not needed, and nothing is trained.
public struct ReconstructPass: Pass {
  public static let name = "reconstruct"
  public static let abstract =
    "Gives the layers behind what prune removed the weights that come nearest to what they made before."
  public static let options: [PassOption] =
    SampleOptions.descriptions() + [
      SampleOptions.momentMemory,
      PassOption(
        "order", .choice(Repair.Order.allCases.map(\.rawValue)), default: "seq, par on noise that is not fitted",
        help: "Each layer for itself, or one after the other."),
      PassOption(
        "damping", .number(0...1000), default: "0.01, 0.1 on noise that is not fitted",
        help: "What pulls weights towards what they were, as a share of the mean variance of inputs."),
      PassOption(
        "recalibrate", .flag, default: "true",
        help: "The variance of a batch normalization follows that of the layer before it."),
    ]

  private let samples: SampleReader
  private let order: Repair.Order?
  private let repairing: Repair.Options

  /// - Parameters:
  ///   - order: `nil` takes what is usual for the samples.
  ///   - repairing: its order and seed are not looked at: the seed is the context's.
  public init(
    order: Repair.Order? = nil, repairing: Repair.Options = Repair.Options(), samples: @escaping SampleReader
  ) {
    self.samples = samples
    self.order = order
    self.repairing = repairing
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    var repairing = Repair.Options()
    repairing.batch = options.integer("batch") ?? repairing.batch
    repairing.damping = options.number("damping") ?? repairing.damping
    repairing.memoryBudget = try SampleOptions.memoryBudget(options) ?? repairing.memoryBudget
    repairing.recalibrates = options.flag("recalibrate") ?? repairing.recalibrates
    self.init(
      order: options.text("order").flatMap { Repair.Order(rawValue: $0) }, repairing: repairing,
      samples: try SampleOptions.required(options, of: Self.name))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let cut = try PipelineCut(for: Self.name, in: context)
    let data = try samples(cut.original, context)
    var options = repairing
    options.order = order ?? .usual(for: data.origin)
    options.seed = context.seed
    let repair = Repair(of: cut.original, cut.analysis, keep: cut.keep, options: options)
    let (repaired, report) = try repair(model, on: data, progress: context.measuringProgress)
    for (label, reason) in report.skipped { context.logger.notice("remark: \(label) is not repaired: \(reason)") }
    model = repaired
    let largestError: JSONText = report.layers.map(\.error).max().map { $0.isFinite ? .double($0) : .null } ?? .null
    var statistics: [(name: String, value: JSONText)] = [
      ("repairedLayers", .int(report.layers.count)), ("largestError", largestError),
    ]
    if report.rescaledNorms > 0 { statistics.append(("rescaledNorms", .int(report.rescaledNorms))) }
    return PassReport(isModified: !report.layers.isEmpty || report.rescaledNorms > 0, statistics: statistics)
  }
}
