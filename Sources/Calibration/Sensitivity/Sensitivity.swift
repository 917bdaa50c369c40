import Analysis
import Dimensions
import IR
import Pruning
import Runtime
import Training

/// How much the outputs of a model change when channels of one group alone go.
///
/// Scores compare the channels of a group; this tells what a group matters to the whole, by trying it out.
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
    let batches = try data.batches(of: options.batch, for: model).map { try data.samples($0).inputs }
    let before = try outputs(of: model, on: batches)
    var points: [Point] = []
    for (done, entry) in groups.enumerated() {
      for ratio in options.ratios {
        let size = analysis.groups[entry.group].size
        let kept = max(1, size - Int((Double(size) * ratio).rounded(.down)))
        let error = kept == size ? 0 : try self.error(entry, keeping: kept, before, batches)
        points.append(Point(group: entry.group, ratio: ratio, kept: kept, outputError: error))
      }
      try progress("trying groups", done + 1, groups.count)
    }
    return points
  }

  private func error(
    _ entry: (group: Int, scores: [Double]), keeping count: Int, _ before: [[Double]], _ batches: [[String: Tensor]]
  ) throws -> Double {
    let order = entry.scores.indices.sorted { (entry.scores[$0], $1) > (entry.scores[$1], $0) }
    var keep = KeepSets()
    keep[analysis.groups[entry.group].dimension] = order.prefix(count).map { Int32($0) }.sorted()
    var small: Model
    do throws(RewriteError) { small = try model.keeping(keep, analysis: analysis) } catch {
      throw TrainingError(.model, error.description)
    }
    if let repair = options.repair {
      small = try Repair(of: model, analysis, keep: keep, options: repair)(small, on: data).model
    }
    return Self.distance(try outputs(of: small, on: batches), before)
  }

  /// The floating-point outputs, one list an output, of all samples.
  private func outputs(of model: Model, on batches: [[String: Tensor]]) throws(TrainingError) -> [[Double]] {
    let names = model.graph.outputs.map { model.name(of: $0.value) }
    var lists = names.map { _ in [Double]() }
    do throws(RuntimeError) {
      let session = try Session(model, options: options.runtime)
      for batch in batches {
        let results = try session.run(batch)
        for (index, name) in names.enumerated() {
          guard let tensor = results[name], tensor.dataType.isFloatingPoint else { continue }
          lists[index] += tensor.doubles() ?? []
        }
      }
    } catch {
      throw TrainingError(error)
    }
    return lists
  }

  private static func distance(_ now: [[Double]], _ before: [[Double]]) -> Double {
    let shares = zip(now, before).compactMap { now, before -> Double? in
      guard !before.isEmpty, now.count == before.count else { return nil }
      let mean = before.reduce(0, +) / Double(before.count)
      let spread = before.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let error = zip(now, before).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      return spread > 0 ? error / spread : nil
    }
    return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
  }
}

extension Sensitivity {
  /// What the scores of each group are to be multiplied by, so that those of what a half of it loses add up to what that
  /// does to the outputs.
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
