import Analysis
import Dimensions
import IR
import Kernels
import Operators
import Pruning
import Runtime
import Training

/// Makes up for what was removed: gives every linear layer behind a cut the matrix and bias with which it comes as near
/// as possible, in least squares over samples, to what the layer made before.
///
/// For a mask that is chosen already this is the optimal brain surgeon's update (Hassibi and Stork 1992) for all removed
/// columns at once, in one solve. Labels are not needed, and nothing is trained.
public struct Repair {
  /// What a layer is given while its new matrix is looked for.
  public enum Order: String, Sendable, CaseIterable {
    /// What the whole model gives it, without what was removed: each layer makes up for its own loss.
    case parallel = "par"
    /// What the pruned and already repaired layers before it give it: it makes up for what is left of their errors too.
    case sequential = "seq"
  }

  public struct Options: Sendable {
    public var order = Order.sequential
    /// What pulls towards the weights as they are, as a share of the mean variance of a layer's inputs.
    public var damping = 0.01
    /// Rows of a layer's inputs that are looked at for each of its columns, and at least.
    public var rowsPerColumn = 10
    public var leastRows = 8192
    /// Whether the running variance of a batch normalization follows the layer before it.
    public var recalibrates = true
    /// Samples of a run.
    public var batch = 32
    /// Bytes that moments of layers may take at a time.
    public var memoryBudget = 1 << 30
    public var seed: UInt64 = 0
    public var runtime = RuntimeOptions()

    public init() {}
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
    /// Layers that were left as they are, and why.
    public var skipped: [(label: String, reason: String)] = []
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

  /// - Parameter pruned: `dense` with only what was kept; see `Model.keeping(_:analysis:)`.
  /// - Throws: ``TrainingError`` where the models cannot be run on the samples, and what `progress` throws.
  public func callAsFunction(
    _ pruned: Model, on data: CalibrationData, progress: Measuring.Progress = { _, _, _ in }
  ) throws -> (model: Model, report: Report) {
    let sites = RepairSites(LinearLayers(dense, analysis), analysis, keep: keep, pruned: pruned)
    guard !sites.all.isEmpty else { return (pruned, Report(skipped: sites.skipped)) }
    var result: (model: Model, report: Report)
    switch options.order {
    case .sequential:
      result = try SequentialRepair(repair: self, sites: sites.all, data: data).run(pruned, progress)
    case .parallel:
      result = try ParallelRepair(repair: self, sites: sites.all, data: data).run(pruned, progress)
    }
    result.report.skipped = sites.skipped
    return result
  }

  func rows(_ site: RepairSite, of node: Node, weightShape: [Int], samples: Int) -> LayerRows {
    LayerRows(
      site.layer, node: node, weightShape: weightShape,
      rowLimit: max(options.leastRows, options.rowsPerColumn * site.columns), samples: samples, seed: options.seed)
  }

  /// Finds the best matrix for a layer, and writes it into the pruned model.
  func solve(
    _ site: RepairSite, _ moments: LayerMoments, in model: inout Model
  ) throws(TrainingError) -> Report.Layer {
    guard let tensor = model.constant(node: site.node, input: 1), let old = tensor.floats() else {
      return Report.Layer(label: site.layer.label, error: .nan, damping: 0)
    }
    let solution: LeastSquares
    do {
      solution = try LeastSquares(
        moments, matrices: site.matrices(old), damping: options.damping, isCentred: site.shift != .none)
    } catch {
      throw TrainingError(.model, "node \(site.layer.label): \(error)")
    }
    LayerUpdate(site: site, solution: solution, recalibrates: options.recalibrates).apply(to: &model)
    return Report.Layer(label: site.layer.label, error: solution.unexplainedShare, damping: solution.damping)
  }
}

extension TrainingError {
  init(_ site: RepairSite, _ error: any Error) { self.init(.model, "node \(site.layer.label): \(error)") }
}
