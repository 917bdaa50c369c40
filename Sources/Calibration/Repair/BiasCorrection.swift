import Analysis
import Dimensions
import IR
import Pruning
import Runtime
import Training

/// Gives every linear layer that lost columns what they made on average, as part of its bias: b + W_P·E[x_P], with P
/// the columns that went (An et al., "Fluctuation-based Adaptive Structured Pruning for Large Language Models", AAAI
/// 2024).
///
/// It is found without the columns that went, as E[y] − W_S·E[x_S], with y what the layer made and S the columns that
/// stay: both are the same, because y = W_S·x_S + W_P·x_P + b in every row. The weights stay as they are.
public struct BiasCorrection {
  public struct Options: Sendable {
    /// Samples of a run.
    public var batch = 32
    /// Rows of a layer's inputs that are looked at for each of its columns, and at least.
    public var rowsPerColumn = 10
    public var leastRows = 8192
    public var seed: UInt64 = 0
    public var runtime = RuntimeOptions()

    public init() {}
  }

  /// What was done.
  public struct Report: Sendable {
    /// Layers whose bias changed.
    public var layers: [String] = []
    /// Layers that were left as they are, and why.
    public var skipped: [(label: String, reason: String)] = []

    public init(layers: [String] = [], skipped: [(label: String, reason: String)] = []) {
      self.layers = layers
      self.skipped = skipped
    }
  }

  private let dense: Model
  private let analysis: ModelAnalysis
  private let keep: KeepSets
  private let options: Options

  /// - Parameters:
  ///   - dense: the model as it was.
  ///   - keep: what was kept of it.
  public init(of dense: Model, _ analysis: ModelAnalysis, keep: KeepSets, options: Options = Options()) {
    self.dense = dense
    self.analysis = analysis
    self.keep = keep
    self.options = options
  }

  /// - Parameter pruned: `dense` with only what was kept; see `Model.keeping(_:analysis:)`.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `progress` throws.
  public func callAsFunction(
    _ pruned: Model, on data: CalibrationData, progress: Measuring.Progress = { _, _, _ in }
  ) throws -> (model: Model, report: Report) {
    let found = RepairSites(LinearLayers(dense, analysis), analysis, keep: keep, pruned: pruned)
    let narrowed = found.all.filter(hasLostColumns)
    let sites = narrowed.filter { $0.shift != .none }
    var report = Report(skipped: found.skipped)
    for site in narrowed where site.shift == .none {
      report.skipped.append((site.layer.label, "there is no bias, nor another place, a mean could go to"))
    }
    guard !sites.isEmpty else { return (pruned, report) }
    let means = try measure(sites, of: pruned, on: data, progress)
    var model = pruned
    model.changeConstants { model in
      for (site, means) in zip(sites, means) {
        guard let weight = pruned.constant(node: site.reader.node, input: site.reader.input)?.floats() else { continue }
        ShiftUpdate(site: site, shifts: means.shifts(site.matrices(weight))).apply(to: &model)
        report.layers.append(site.layer.label)
      }
    }
    return (model, report)
  }

  /// A layer behind a cut may have all of its columns still, as a depthwise convolution has.
  private func hasLostColumns(_ site: RepairSite) -> Bool {
    site.columns < LayerForm(site.layer, analysis.weights[site.layer.weight].tensor.shape).columns
  }

  private func measure(
    _ sites: [RepairSite], of pruned: Model, on data: CalibrationData, _ progress: Measuring.Progress
  ) throws -> [LayerMeans] {
    var means = sites.map { LayerMeans(columns: $0.groups * $0.columns, rows: $0.groups * $0.rows) }
    let rows = sites.map { site in
      LayerRows(
        site.layer, node: pruned.graph.nodes[site.node], weightShape: site.weightShape,
        rowLimit: max(options.leastRows, options.rowsPerColumn * site.columns), samples: data.count, seed: options.seed)
    }
    let twin = try Recalibration.twin(of: dense, on: data, batch: options.batch, runtime: options.runtime, progress)
    let observation = SiteObservation(
      dense: twin ?? dense, sites: sites, data: data, batch: options.batch, runtime: options.runtime, rows: rows)
    try observation.run(progress) { site, x, y in means[site].add(x, y) }
    return means
  }
}
