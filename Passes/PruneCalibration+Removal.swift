import Analysis
import Calibration
import Dimensions
import Pruning

extension PruneCalibration {
  /// Carries out a plan: removes what it does not keep and, where there are samples, repairs the layers that are left,
  /// whatever criterion chose. With the same samples and options a model becomes what ``PrunePass`` makes of it where
  /// that decides and repairs at once.
  /// - Parameters:
  ///   - keep: what the plan keeps of the model.
  ///   - groups: the plan's.
  ///   - criterion: what the plan was made by, where that is known: where its scores presume a repair and there are no
  ///     samples, that is remarked on.
  ///   - context: with the seed the plan was made with.
  /// - Throws: ``PassError/usage(_:)`` where an order is asked for and there are no samples, and what samples, the
  ///   rewriting and the repair throw.
  public func carryOut(
    keep: KeepSets, groups: [Plan.Group], by criterion: (any Criterion)? = nil, on model: Model,
    _ analysis: ModelAnalysis, in context: Context
  ) throws -> (model: Model, repair: Repair.Report) {
    guard repair != .none else {
      return try remove(allBut: keep, groups, of: model, analysis, order: nil, on: nil, in: context)
    }
    let data = try samples(model, context)
    if data == nil {
      if case .order(let asked) = repair { throw PassError.repairNeedsSamples(asked) }
      if let criterion, criterion.presumesRepair {
        context.logger.notice(
          "remark: \(criterion.name) chose as if layers were repaired, and they are not: give --calibration or --data")
      }
    }
    let order: Repair.Order? =
      if case .order(let asked) = repair { asked } else { data.map { Repair.Order.usual(for: $0.origin) } }
    return try remove(allBut: keep, groups, of: model, analysis, order: order, on: data, in: context)
  }

  /// The smaller model, whose layers are repaired where there are an order and samples, and which says what went.
  /// - Parameter outputs: what the model's layers made of the first samples, where that is known.
  func remove(
    allBut keep: KeepSets, _ groups: [Plan.Group], of model: Model, _ analysis: ModelAnalysis, order: Repair.Order?,
    on data: CalibrationData?, outputs: RecordedOutputs? = nil, in context: Context
  ) throws -> (model: Model, repair: Repair.Report) {
    var pruned: Model
    do throws(RewriteError) { pruned = try model.keeping(keep, analysis: analysis) } catch {
      throw PassError.other("\(context.source.path): \(error)")
    }
    var report = Repair.Report()
    if let order, let data {
      var options = repairing
      options.order = order
      options.seed = context.seed
      (pruned, report) = try Repair(of: model, analysis, keep: keep, options: options)(
        pruned, on: data, outputs: outputs, progress: context.measuringProgress)
      for (label, reason) in report.skipped { context.logger.notice("remark: \(label) is not repaired: \(reason)") }
    }
    pruned.recordProvenance(of: groups)
    return (pruned, report)
  }
}

extension PassError {
  static func repairNeedsSamples(_ order: Repair.Order) -> PassError {
    .usage("repairing layers (\(order.rawValue)) needs samples (--data or --calibration)")
  }
}
