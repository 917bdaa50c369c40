import Analysis
import Dimensions
import IR
import Kernels
import Operators
import Pruning
import Runtime
import Training

/// Makes up for what was removed: gives every linear layer behind a cut the matrix and bias with which it comes as near
/// as possible, in least squares over samples, to what the layer made before. Root mean square norms are made to fit a
/// mean over fewer channels first.
///
/// For a mask that is chosen already this is the optimal brain surgeon's update (Hassibi and Stork 1992) for all
/// removed columns at once, in one solve. Labels are not needed, and nothing is trained.
public struct Repair {
  /// What a layer is given while its new matrix is looked for.
  public enum Order: String, Sendable, CaseIterable {
    /// What the whole model gives it, without what was removed: each layer makes up for its own loss.
    case parallel = "par"
    /// What the pruned and already repaired layers before it give it: it makes up for what is left of their errors too.
    case sequential = "seq"

    /// One after the other fits the samples most closely, which is no good where they are generated.
    public static func usual(for origin: CalibrationData.Origin) -> Order {
      origin == .generated ? .parallel : .sequential
    }
  }

  public struct Options: Sendable {
    public var order = Order.sequential
    /// What pulls towards the weights as they are, as a share of the mean variance of a layer's inputs; what is usual
    /// for the samples by default.
    public var damping: Double?
    /// Rows of a layer's inputs that are looked at for each of the columns it had, and at least.
    public var rowsPerColumn = 2
    public var leastRows = 4096
    /// Whether the running variance of a batch normalization follows the layer before it; on generated samples that are
    /// not fitted to the model it does not.
    public var recalibrates = true
    /// Samples of a run.
    public var batch = 32
    /// Bytes that moments of layers may take at a time, and as many that values between layers may; of more values, the
    /// rest is in a file.
    public var memoryBudget = 1 << 30
    public var seed: UInt64 = 0
    public var runtime = RuntimeOptions()

    public init() {}

    /// About so many rows of a layer are looked at.
    func rowLimit(_ layer: LinearLayer, _ analysis: ModelAnalysis) -> Int {
      let form = LayerForm(layer, analysis.weights[layer.weight].tensor.shape)
      return max(leastRows, rowsPerColumn * form.columns)
    }
  }

  /// What was done.
  public struct Report: Sendable {
    public struct Layer: Sendable {
      public let label: String
      /// What is left of the outputs' variance that the layer does not make, of the whole: before and after.
      public let error: Double
      public let damping: Double
    }

    public var layers: [Layer] = []
    /// Root mean square norms whose scale and ε were made to fit a mean over fewer channels.
    public var rescaledNorms = 0
    /// Norms and layers that were left as they are, and why.
    public var skipped: [(label: String, reason: String)] = []

    public init(
      layers: [Layer] = [], rescaledNorms: Int = 0, skipped: [(label: String, reason: String)] = []
    ) {
      self.layers = layers
      self.rescaledNorms = rescaledNorms
      self.skipped = skipped
    }
  }

  let dense: Model
  let analysis: ModelAnalysis
  let keep: KeepSets
  let options: Options

  /// - Parameters:
  ///   - dense: the model as it was.
  ///   - keep: what was kept of it.
  public init(of dense: Model, _ analysis: ModelAnalysis, keep: KeepSets, options: Options = Options()) {
    self.dense = dense
    self.analysis = analysis
    self.keep = keep
    self.options = options
  }

  /// - Parameters:
  ///   - pruned: `dense` with only what was kept; see `Model.keeping(_:analysis:)`.
  ///   - outputs: what `dense` made of the same samples, where that is known.
  /// - Throws: ``TrainingError`` where the models cannot be run on the samples, and what `progress` throws.
  public func callAsFunction(
    _ pruned: Model, on data: CalibrationData, outputs: RecordedOutputs? = nil,
    progress: Measuring.Progress = { _, _, _ in }
  ) throws -> (model: Model, report: Report) {
    let sites = RepairSites(LinearLayers(dense, analysis), analysis, keep: keep, pruned: pruned)
    guard !sites.all.isEmpty || !norms.pending(in: pruned).isEmpty else {
      return (pruned, Report(skipped: sites.skipped))
    }
    let (own, part) = try twin(of: pruned, on: data, progress)
    let ratios = try own.ratios(part, on: data, progress)
    let rescaling = norms.rescaled(pruned, by: ratios)
    let affordable = sites.all.filter { momentBytes($0) <= options.memoryBudget }
    let updates = try own.updates(
      affordable, of: own.norms.rescaled(part, by: ratios).model, on: data, outputs, progress)
    var model = rescaling.model
    model.changeConstants { model in
      for update in updates { update.apply(to: &model) }
    }
    let layers = updates.map { update in
      Report.Layer(
        label: update.site.layer.label, error: update.solution.unexplainedShare, damping: update.solution.damping)
    }
    return (
      model,
      Report(
        layers: layers, rescaledNorms: rescaling.count,
        skipped: rescaling.skipped + sites.skipped + tooWide(sites.all))
    )
  }

  private func momentBytes(_ site: RepairSite) -> Int {
    LayerMoments.byteCount(groups: site.groups, columns: site.columns, rows: site.rows)
  }

  private func tooWide(_ sites: [RepairSite]) -> [(label: String, reason: String)] {
    sites.compactMap { site in
      let bytes = momentBytes(site)
      guard bytes > options.memoryBudget else { return nil }
      let (needed, allowed) = (bytes >> 20 + 1, options.memoryBudget >> 20)
      return (site.layer.label, "its moments take \(needed) MB of memory, and \(allowed) MB are allowed")
    }
  }

  private var norms: RootMeanSquareNorms { RootMeanSquareNorms(of: dense, analysis, keep: keep) }

  /// What the constants of norms are multiplied by; see ``RootMeanSquareNorms``.
  private func ratios(
    _ pruned: Model, on data: CalibrationData, _ progress: Measuring.Progress
  ) throws -> [ValueID: Double] {
    try norms.ratios(
      of: norms.pending(in: pruned), on: data, batch: options.batch, runtime: options.runtime, progress)
  }

  private func updates(
    _ sites: [RepairSite], of pruned: Model, on data: CalibrationData, _ outputs: RecordedOutputs?,
    _ progress: Measuring.Progress
  ) throws -> [LayerUpdate] {
    guard !sites.isEmpty else { return [] }
    switch options.order {
    case .sequential:
      return try SequentialRepair(repair: self, sites: sites, data: data, outputs: outputs).updates(
        of: pruned, progress)
    case .parallel: return try ParallelRepair(repair: self, sites: sites, data: data).updates(of: pruned, progress)
    }
  }

  /// The twins of the models, where there are any. What is found for their matrices holds for the models' own.
  private func twin(
    of pruned: Model, on data: CalibrationData, _ progress: Measuring.Progress
  ) throws -> (repair: Repair, pruned: Model) {
    let twin = try Recalibration.twin(of: dense, on: data, batch: options.batch, runtime: options.runtime, progress)
    guard let twin else { return (self, pruned) }
    do throws(RewriteError) {
      return (Repair(of: twin, analysis, keep: keep, options: options), try twin.keeping(keep, analysis: analysis))
    } catch {
      throw TrainingError(.model, error.description)
    }
  }

  /// - Parameter node: in the pruned model.
  func rows(_ site: RepairSite, of node: Node, samples: Int) -> LayerRows {
    LayerRows(
      site.layer, node: node, weightShape: site.weightShape, rowLimit: options.rowLimit(site.layer, analysis),
      samples: samples, seed: options.seed)
  }

  /// Finds the best matrix for a layer.
  func update(
    _ site: RepairSite, _ moments: LayerMoments, on data: CalibrationData, in model: Model
  ) throws(TrainingError) -> LayerUpdate? {
    guard let old = model.constant(node: site.reader.node, input: site.reader.input)?.floats() else { return nil }
    let solution: LeastSquares
    do {
      solution = try LeastSquares(
        moments, matrices: site.matrices(old), damping: options.damping ?? data.usualDamping,
        isCentred: site.shift != .none, workers: options.runtime.workers)
    } catch {
      throw TrainingError(site, error)
    }
    return LayerUpdate(
      site: site, solution: solution, recalibrates: options.recalibrates && data.origin != .generated)
  }
}

extension TrainingError {
  init(_ site: RepairSite, _ error: any Error) { self.init(.model, "node \(site.layer.label): \(error)") }
}
