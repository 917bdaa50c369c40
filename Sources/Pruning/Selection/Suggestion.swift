/// Finds what somebody who mistyped a name may have meant.
public enum Suggestion {
  /// `; did you mean X?` where a name is near, otherwise `; choose from A, B, …`.
  public static func text(for name: String, among names: [String]) -> String {
    if let near = nearest(to: name, among: names) { return "; did you mean \(near)?" }
    return names.isEmpty ? "" : "; choose from \(names.joined(separator: ", "))"
  }

  /// The name with the smallest edit distance, if no more than a third of its letters are wrong; the first of equals.
  public static func nearest(to name: String, among names: some Sequence<String>) -> String? {
    let wanted = fold(name)
    var best: (name: String, distance: Int)?
    for candidate in names {
      let letters = fold(candidate)
      let limit = min(best.map { $0.distance - 1 } ?? .max, max(1, min(wanted.count, letters.count) / 3))
      guard abs(letters.count - wanted.count) <= limit else { continue }
      let distance = editDistance(wanted, letters)
      if distance <= limit { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Letters without case; hyphens and underscores are the same.
  private static func fold(_ name: String) -> [UInt8] {
    name.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
  }

  /// Insertions, deletions, replacements and swaps of neighbours that make one text the other. O(|a| · |b|).
  static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var (before, row) = ([Int](), Array(0...b.count))
    for i in a.indices {
      var next = [i + 1]
      next.reserveCapacity(b.count + 1)
      for j in b.indices {
        var distance = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { distance = min(distance, before[j - 1] + 1) }
        next.append(distance)
      }
      (before, row) = (row, next)
    }
    return row[b.count]
  }
}
