/// A comparison as one HTML file that needs no other: the chart and the table.
public struct ComparisonReport: Sendable {
  private let comparison: CriteriaComparison
  private let title: String
  private let notes: [String]

  /// - Parameters:
  ///   - title: such as the model's name.
  ///   - notes: what a reader should know, a sentence each.
  public init(_ comparison: CriteriaComparison, title: String, notes: [String] = []) {
    self.comparison = comparison
    self.title = title
    self.notes = notes
  }

  private static let style = """
    body { font-family: sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #222; background: #fff }
    table { border-collapse: collapse; margin-top: 1.5em }
    th, td { padding: 0.3em 0.8em; border-bottom: 1px solid #ddd; text-align: right }
    .name { text-align: left }
    svg { max-width: 100%; height: auto }
    """

  public var html: String {
    let heading = Markup.escaped(title)
    var lines = [
      "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta charset=\"utf-8\">",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">", "<title>\(heading)</title>",
      "<style>", Self.style, "</style>", "</head>", "<body>", "<h1>\(heading)</h1>",
    ]
    lines += notes.map { "<p>\(Markup.escaped($0))</p>" }
    lines.append(ComparisonChart(comparison).svg)
    lines += table
    lines += ["</body>", "</html>"]
    return lines.joined(separator: "\n") + "\n"
  }

  private var table: [String] {
    let rows = comparison.table
    let head = rows.prefix(1).map { Self.row($0, "th") }
    let body = rows.dropFirst().map { Self.row($0, "td") }
    return ["<table>", "<thead>"] + head + ["</thead>", "<tbody>"] + body + ["</tbody>", "</table>"]
  }

  private static func row(_ cells: [String], _ element: String) -> String {
    let parts = cells.enumerated().map { column, cell in
      let name = column < CriteriaComparison.namedColumns ? " class=\"name\"" : ""
      return "<\(element)\(name)>\(Markup.escaped(cell))</\(element)>"
    }
    return "<tr>\(parts.joined())</tr>"
  }
}
