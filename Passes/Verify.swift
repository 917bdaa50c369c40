/// Compares the model with the one the pipeline started from: the same interface, only the slices gone that were decided
/// to go, and the outputs of the original with these slices zeroed.
public struct VerifyPass: Pass {
  public static let name = "verify"
  public static let abstract =
    "Checks interface, tensor sizes and outputs against the original model and what was pruned."
  public static let options: [PassOption] = [
    PassOption(
      "samples", .integer(atLeast: 1), default: "\(OutputVerification.usualSamples)",
      help: "On how many random inputs outputs are compared."),
    PassOption(
      "tolerance", .number(0...1), default: "\(OutputVerification.usualTolerance)",
      help: "Largest difference allowed, relative to the largest output."),
  ]

  private let samples: Int
  private let tolerance: Double

  public init() { (samples, tolerance) = (OutputVerification.usualSamples, OutputVerification.usualTolerance) }

  public init(_ options: OptionValues) throws(ConfigError) {
    samples = options.integer("samples") ?? OutputVerification.usualSamples
    tolerance = options.number("tolerance") ?? OutputVerification.usualTolerance
  }

  /// Passes that leave outputs as they are, or remove what their plan says.
  private static let accountable: Set<String> = [
    EliminateDeadCodePass.name, FoldIdentityPass.name, PrunePass.name, RefinePass.name, InspectPass.name,
    VerifyPass.name, WritePass.name,
  ]

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    let path = context.source.path
    var differences = InterfaceComparison.differences(context.original, model)
    let plans = context.earlier.compactMap(\.report.plan)
    differences += SizeComparison.differences(
      context.original, model, removals: plans.flatMap(\.removed))
    // A graph that contradicts itself shows when it is analysed.
    _ = try context.analysis(of: model)
    var statistics: [(name: String, value: JSONText)] = []
    if differences.isEmpty {
      let outputs = try compareOutputs(model, plans, in: context)
      differences += outputs.differences(tolerance: tolerance)
      if let obstacle = outputs.obstacle {
        context.logger.warning("\(path): outputs were not compared, only structure: \(obstacle)")
      }
      for output in outputs.withoutNumbers { context.logger.warning("\(path): not compared: \(output)") }
      for output in outputs.remarks { context.logger.notice("remark: \(output)") }
      for group in outputs.groups where !group.isExact {
        context.logger.notice(
          "remark: group \(group.group) is approximate: removing it differs from zeroing it by \(OutputVerification.short(group.maxRelativeError))"
        )
      }
      let error = outputs.comparison?.maxRelativeError
      statistics.append(("maxRelativeError", error.map { $0.isFinite ? .double($0) : .null } ?? .null))
    }
    guard let first = differences.first else {
      return PassReport(isModified: false, statistics: [("differences", .int(0))] + statistics)
    }
    let more = differences.count > 1 ? " (and \(differences.count - 1) more differences)" : ""
    throw PassError.mismatch("\(path): the pruned model differs: \(first)\(more)")
  }

  private func compareOutputs(_ model: Model, _ plans: [Plan], in context: Context) throws -> OutputVerification {
    if let other = context.earlier.first(where: { $0.report.isModified && !Self.accountable.contains($0.name) }) {
      return OutputVerification(obstacle: "pass \(other.name) changes what the model computes")
    }
    if let repaired = context.earlier.first(where: { $0.report.repairedLayers > 0 }) {
      return OutputVerification(obstacle: "pass \(repaired.name) repaired layers, which changes what they compute")
    }
    guard plans.count < 2 else {
      return OutputVerification(obstacle: "several passes removed channels, each from what the last one left")
    }
    let original = context.original
    let analysis = try context.analysis(of: original)
    let removal: OutputVerification.Removal?
    let sizes: InputSizes
    do {
      removal = try plans.first.map {
        OutputVerification.Removal($0.removed, keep: try $0.keepSets(analysis), analysis: analysis)
      }
      sizes = try InputSizes(original, shapes: context.inputShapes)
    } catch let error as PlanError {
      // Passes before may have renamed or merged what the plan is about.
      return OutputVerification(obstacle: "\(error)")
    } catch let error as PassError {
      return OutputVerification(obstacle: "\(error)")
    }
    let inputs = RandomInputs(for: [original, model], sizes: sizes, seed: context.seed)
    do {
      return try OutputVerification(
        original, against: model, without: removal,
        samples: (0..<samples).lazy.map { inputs.sample($0) }, tolerance: tolerance)
    } catch let error as PlanError {
      return OutputVerification(obstacle: "\(error)")
    }
  }
}
