extension CriteriaComparison {
  /// Whether models are told by the share of right classes, and not by their loss.
  var showsAccuracy: Bool { !rows.isEmpty && rows.allSatisfy { $0.score.top1 != nil } }

  /// What models are told by.
  var scoreName: String { showsAccuracy ? "top-1" : "loss" }

  /// The rows as text below a row of headings, for people.
  public var table: [[String]] {
    let headings = ["criterion", "target", "repair", "parameters", "of parameters", "MACs", "of MACs", scoreName]
    return [headings + corruptions.map(\.rawValue)] + rows.map(cells)
  }

  /// How many of the first columns hold names.
  public static let namedColumns = 3

  private func cells(_ row: Row) -> [String] {
    let names = row.pruning.map { [$0.criterion, $0.target.label, $0.repair.rawValue] } ?? ["dense", "–", "–"]
    let sizes = [(row.parameters, row.parametersShare), (row.macs, row.macsShare)].flatMap { amount, share in
      [FixedPoint.grouped(amount), "\(FixedPoint.text(share * 100, digits: 1)) %"]
    }
    return names + sizes + ([row.score] + row.corrupted).map(text)
  }

  /// A score with its unit.
  func text(_ score: Score) -> String {
    guard showsAccuracy, let top1 = score.top1 else { return FixedPoint.text(score.loss, digits: 4) }
    return "\(FixedPoint.text(top1 * 100, digits: 2)) %"
  }

  /// A score as charts have it: percent of right classes, or the loss.
  func number(_ score: Score) -> Double {
    guard showsAccuracy, let top1 = score.top1 else { return score.loss }
    return top1 * 100
  }
}
