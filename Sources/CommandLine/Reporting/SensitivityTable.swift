import Calibration
import Coppice

/// What trying out every group told, the groups that matter most first.
struct SensitivityTable {
  struct Entry {
    let id: String
    let size: Int
    /// By ascending ratio.
    let points: [Sensitivity.Point]

    /// The error where most goes.
    var worst: Double { points.last.map(\.comparableError) ?? 0 }
  }

  let entries: [Entry]
  /// Ascending.
  let ratios: [Double]
  /// How far the outputs may change.
  let largestError: Double?

  init(_ points: [Sensitivity.Point], _ analysis: ModelAnalysis, ratios: [Double], largestError: Double?) {
    let byGroup = Dictionary(grouping: points, by: \.group)
    let entries = byGroup.keys.sorted().map { group in
      Entry(
        id: analysis.groups[group].id, size: analysis.groups[group].size,
        points: (byGroup[group] ?? []).sorted { $0.ratio < $1.ratio })
    }
    self.init(entries, ratios: ratios, largestError: largestError)
  }

  init(_ entries: [Entry], ratios: [Double], largestError: Double?) {
    // Equals stay in the order of the model.
    self.entries = entries.enumerated().sorted { a, b in
      (a.element.worst, b.offset) > (b.element.worst, a.offset)
    }.map(\.element)
    self.ratios = ratios.sorted()
    self.largestError = largestError
  }

  var text: String {
    guard !entries.isEmpty else { return "no groups: nothing here can be pruned with these options" }
    var header = ["group", "size"] + ratios.map { "at \(Self.short($0))" }
    if largestError != nil { header.append("may go") }
    let rows = entries.map { entry -> [String] in
      let errors = entry.points.map { percent($0.outputError) }
      guard let largestError else { return [entry.id, "\(entry.size)"] + errors }
      let allowed = entry.points.largestRatio(within: largestError).map(Self.short) ?? "–"
      return [entry.id, "\(entry.size)"] + errors + [allowed]
    }
    return table([header] + rows)
  }

  /// The groups, for JSON.
  var json: JSONText {
    .array(
      entries.map { entry in
        let points = entry.points.map { point -> JSONText in
          .object([
            ("ratio", .double(point.ratio)), ("kept", .int(point.kept)), ("outputError", .double(point.outputError)),
          ])
        }
        var pairs: [(String, JSONText)] = [
          ("id", .string(entry.id)), ("size", .int(entry.size)), ("points", .array(points)),
        ]
        if let largestError {
          pairs.append(("maxRatio", .double(entry.points.largestRatio(within: largestError) ?? 0)))
        }
        return .object(pairs)
      })
  }

  /// A share in percent, without a decimal where that is zero.
  private static func short(_ share: Double) -> String {
    let text = decimal(share * 100, 1)
    return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) %"
  }
}

extension Sensitivity.Point {
  /// What is no number is worse than any.
  fileprivate var comparableError: Double { outputError.isNaN ? .infinity : outputError }
}
