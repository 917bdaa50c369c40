import Coppice
import Glibc

/// A loaded and analysed model with the time that took.
struct Session {
  let path: String
  let model: Model
  let analysis: ModelAnalysis
  let analysisSeconds: Double

  init(path: String) throws {
    self.path = path
    let start = ContinuousClock.now
    model = try Model(contentsOf: path)
    do {
      analysis = try ModelAnalysis(model)
    } catch {
      throw Failure.invalidModel("\(path): \(error)")
    }
    analysisSeconds = Self.seconds(since: start)
  }

  static func seconds(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}

/// A small or mapped file read as it is.
struct FileBytes {
  let region: ByteRegion

  init(path: String) throws(ONNXFileError) { region = try ONNXReader.bytes(ofFile: path) }
}

/// Writes text to a file, or to standard output for `nil`.
func emit(_ text: String, to path: String? = nil, overwrite: Bool = false) throws {
  guard let path else {
    print(text)
    return
  }
  try ONNXWriter.write(text: text + "\n", to: path, overwrite: overwrite)
}

/// Columns padded to the same width, numbers to the right.
func table(_ rows: [[String]]) -> String {
  guard let columns = rows.first?.count else { return "" }
  let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      line += (column == 0 ? cell + padding : padding + cell) + (column + 1 < row.count ? "  " : "")
    }
    return line
  }.joined(separator: "\n")
}

/// A number with thousands apart.
func grouped(_ number: Int) -> String {
  var digits = String(number)
  var parts: [String] = []
  while digits.count > 3 {
    parts.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return ([digits] + parts).joined(separator: ",")
}

/// A share in percent with one decimal.
func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(abs(tenths % 10)) %"
}
