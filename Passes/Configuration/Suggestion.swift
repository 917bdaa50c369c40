/// Finds what somebody who mistyped a name may have meant.
public enum Suggestion {
  /// `; did you mean X?` where a name is near, otherwise `; it knows A, B, …`.
  public static func text(for name: String, among names: [String], calling what: String = "choose from") -> String {
    if let near = nearest(to: name, among: names) { return "; did you mean \(near)?" }
    return names.isEmpty ? "" : "; \(what) \(names.joined(separator: ", "))"
  }

  /// The nearest name, if it is near enough to be meant: a third of its letters may be wrong.
  public static func nearest(to name: String, among names: [String]) -> String? {
    let folded = fold(name)
    let ranked = names.map { ($0, distance(folded, fold($0))) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
    guard let (best, distance) = ranked, distance <= max(1, min(folded.count, best.count) / 3) else { return nil }
    return best
  }

  private static func fold(_ name: String) -> [Character] { name.lowercased().map { $0 == "-" ? "_" : $0 } }

  /// Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    guard !a.isEmpty, !b.isEmpty, a.count <= 64, b.count <= 64 else { return max(a.count, b.count) }
    var rows = [Array(0...b.count)]
    for i in 1...a.count {
      var row = [i]
      for j in 1...b.count {
        var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
