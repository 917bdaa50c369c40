/// What the one `prune` pass of a pipeline took from the model the pipeline started from, for passes that make up for
/// it.
struct PipelineCut {
  let original: Model
  /// As later passes have revised it.
  let plan: Plan
  let analysis: ModelAnalysis
  let keep: KeepSets

  /// Passes that make up for a cut, each on what the cut alone left.
  private static let repairs: Set<String> = [BiasCorrectionPass.name, ReconstructPass.name]

  /// - Parameter pass: who asks, for messages.
  /// - Throws: where no pass removed channels, several did, or the model is another one for other reasons too: then
  ///   what its layers make cannot be held against what they made.
  init(for pass: String, in context: Context) throws(PassError) {
    let path = context.source.path
    let cuts = context.earlier.map(\.report).filter { $0.plan != nil }
    guard let cut = cuts.first, let plan = cut.plan else {
      throw .usage("\(path): pass \(pass) needs a prune pass before it, there is none")
    }
    guard cuts.count == 1 else {
      throw .usage("\(path): pass \(pass) needs exactly one prune pass before it, there are \(cuts.count)")
    }
    if let other = context.earlier.first(where: { $0.report.isModified && !$0.report.decides }) {
      let isEither = Self.repairs.contains(other.name) && Self.repairs.contains(pass)
      let remedy = isEither ? "leave one of them out" : "put it after \(pass)"
      throw .usage(
        "\(path): pass \(pass) holds the model against the one the pipeline started from, but pass \(other.name) "
          + "has changed it; \(remedy)")
    }
    guard cut.repairedLayers == 0 else {
      throw .usage("\(path): pass \(pass): the prune pass has repaired layers already; give it repair: none")
    }
    original = context.original
    self.plan = plan
    analysis = try context.analysis(of: context.original)
    do throws(PlanError) { keep = try plan.keepSets(analysis) } catch { throw .other("\(path): \(error)") }
  }
}
