import Analysis
import Dimensions
import IR
import Pruning
import Runtime
import Training

/// How much the outputs of a model change when channels of one group alone go.
///
/// Scores compare the channels of a group; this tells what a group matters to the whole, by trying it out.
///
/// ```swift
/// var options = SelectionOptions(ratio: 0.5)
/// let scored = try scoring.scores(of: options.candidateGroups(in: analysis), in: analysis)
/// let sensitivity = Sensitivity(model, analysis, data: data)
/// let points = try sensitivity.points(scored.entries.map { (group: $0.group, scores: $0.normalized) })
/// options.rules = sensitivity.rules(points, within: 0.05, as: .ratios)
/// let selection = try Selection(analysis: analysis, scoring: scoring, options: options)
/// ```
///
/// Samples are run batch by batch, and what is kept does not grow with their number.
public struct Sensitivity {
  /// One group at one ratio.
  public struct Point: Sendable {
    /// Index into ``ModelAnalysis/groups``.
    public let group: Int
    /// The share of its channels that went.
    public let ratio: Double
    public let kept: Int
    /// How far the outputs are from what they were, as a share of what they vary: E‖ŷ − y‖² / E‖y − E[y]‖².
    public let outputError: Double
  }

  public struct Options: Sendable {
    /// Shares of a group, each more than 0 and less than 1.
    public var ratios = [0.25, 0.5, 0.75]
    /// How layers make up for what went before outputs are compared; `nil` leaves them as they are.
    public var repair: Repair.Options? = Repair.Options()
    /// Samples of a run.
    public var batch = 32
    public var runtime = RuntimeOptions()

    public init() {}
  }

  let model: Model
  let analysis: ModelAnalysis
  let data: CalibrationData
  let options: Options

  public init(_ model: Model, _ analysis: ModelAnalysis, data: CalibrationData, options: Options = Options()) {
    self.model = model
    self.analysis = analysis
    self.data = data
    self.options = options
  }

  /// Tries every group out.
  /// - Parameter groups: those to try, by index, with the scores of their channels: the lowest go first.
  /// - Throws: where the model cannot be cut or run, and what `progress` throws.
  public func points(
    _ groups: [(group: Int, scores: [Double])], progress: Measuring.Progress = { _, _, _ in }
  ) throws -> [Point] {
    let whole = try ReferenceOutputs(of: model, on: data, batch: options.batch, runtime: options.runtime)
    var points: [Point] = []
    for (done, entry) in groups.enumerated() {
      for ratio in options.ratios {
        let size = analysis.groups[entry.group].size
        // As a rule with this ratio would: 0.29 of 100 are 29, whatever the product is in binary.
        let kept = max(1, size - Int((Double(size) * ratio + 1e-9).rounded(.down)))
        let error = kept == size ? 0 : try whole.error(of: cut(entry, keeping: kept))
        points.append(Point(group: entry.group, ratio: ratio, kept: kept, outputError: error))
      }
      try progress("trying groups", done + 1, groups.count)
    }
    return points
  }

  /// The model without the channels of a group that score lowest, and with its layers repaired where that is wanted.
  private func cut(_ entry: (group: Int, scores: [Double]), keeping count: Int) throws -> Model {
    let order = entry.scores.indices.sorted { (entry.scores[$0], $1) > (entry.scores[$1], $0) }
    var keep = KeepSets()
    keep[analysis.groups[entry.group].dimension] = order.prefix(count).map { Int32($0) }.sorted()
    let small: Model
    do throws(RewriteError) { small = try model.keeping(keep, analysis: analysis) } catch {
      throw TrainingError(.model, error.description)
    }
    guard let repair = options.repair else { return small }
    return try Repair(of: model, analysis, keep: keep, options: repair)(small, on: data).model
  }
}

extension Sensitivity {
  /// What the scores of each group are to be multiplied by, so that those of what a half of it loses add up to what
  /// that does to the outputs.
  public func groupWeights(
    _ groups: [(group: Int, scores: [Double])], progress: Measuring.Progress = { _, _, _ in }
  ) throws -> [DimensionID: Double] {
    var options = options
    options.ratios = [0.5]
    let halves = Sensitivity(model, analysis, data: data, options: options)
    var weights: [DimensionID: Double] = [:]
    for (entry, point) in zip(groups, try halves.points(groups, progress: progress)) {
      let scores = entry.scores.filter(\.isFinite).sorted()
      let removed = scores.prefix(analysis.groups[entry.group].size - point.kept).reduce(0, +)
      guard removed > 0, point.outputError.isFinite else { continue }
      weights[analysis.groups[entry.group].dimension] = point.outputError / removed
    }
    return weights
  }
}
