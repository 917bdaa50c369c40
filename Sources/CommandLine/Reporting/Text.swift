import Coppice
import Glibc

/// Writes data to standard output.
/// - Throws: where it does not all arrive, as on a full disk.
func printOut(_ text: String, terminator: String = "\n") throws {
  var text = text + terminator
  try text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while rest.count > 0 {
      let written = write(STDOUT_FILENO, rest.baseAddress, rest.count)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        throw Failure.other("standard output: cannot be written: \(String(cString: strerror(errno)))")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}

/// Writes text to a file, or to standard output for `nil` and `-`.
func emit(_ text: String, to path: String? = nil, overwrite: Bool = false, protecting model: Model) throws {
  guard let path, path != "-" else { return try printOut(text, terminator: "") }
  try ONNXWriter.write(text: text, to: path, overwrite: overwrite, protecting: model.sources)
}

/// Columns padded to the same width, numbers to the right; the columns in `leading` to the left.
func table(_ rows: [[String]], leading: Set<Int> = [0]) -> String {
  guard let columns = rows.first?.count else { return "" }
  let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    var line = ""
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - cell.count)
      let isLast = column + 1 == columns
      line += leading.contains(column) ? cell + (isLast ? "" : padding) : padding + cell
      if !isLast { line += "  " }
    }
    return line
  }.joined(separator: "\n")
}

/// A number with thousands apart.
func grouped(_ number: Int) -> String {
  var digits = String(number.magnitude)
  var parts: [String] = []
  while digits.count > 3 {
    parts.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return (number < 0 ? "-" : "") + ([digits] + parts).joined(separator: ",")
}

/// A number with so many digits after the point.
func decimal(_ number: Double, _ digits: Int) -> String {
  let factor = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
  guard number.isFinite, abs(number) * factor < 1e18 else { return "\(number)" }
  let scaled = Int((abs(number) * factor).rounded())
  let sign = number < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  let fraction = String(scaled % Int(factor))
  return "\(sign)\(scaled / Int(factor))." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// A share in percent with one decimal.
func percent(_ share: Double) -> String { "\(decimal(share * 100, 1)) %" }
