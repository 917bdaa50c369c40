import IR

/// What can be wrong with data.
///
/// The description is one line: what, where, and what to do about it.
public enum DataError: Error, Sendable, Equatable, CustomStringConvertible {
  case cannotOpen(path: String, reason: String)
  /// The bytes are not what the format says; `place` is an array, a line, an offset, or empty.
  case malformed(path: String, place: String, reason: String)
  /// Well formed, but of a kind that is not read.
  case unsupported(path: String, place: String, reason: String)
  case empty(source: String)
  case unevenCounts(source: String, counts: [String])
  case labelOutOfRange(source: String, sample: Int, label: String, classes: Int)
  /// A number of a row that no table of the model has.
  case rowOutOfRange(source: String, sample: Int, row: String, rows: Int)
  case notFinite(source: String, sample: Int, value: String)
  case missingInput(name: String, source: String, available: [String])
  case wrongShape(source: String, input: String, found: [Int], expected: String)
  case wrongType(source: String, input: String, found: DataType, expected: DataType)
  /// A setting that cannot be meant.
  case setting(name: String, reason: String)

  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path): cannot be opened: \(reason); check the path"
    case .malformed(let path, let place, let reason):
      "\(Self.join(path, place)): \(reason); check that the file is complete and of the kind its name says"
    case .unsupported(let path, let place, let reason): "\(Self.join(path, place)): cannot be used: \(reason)"
    case .empty(let source): "\(source): holds no samples; give data with at least one"
    case .unevenCounts(let source, let counts):
      "\(source): the numbers of samples differ: \(counts.joined(separator: ", ")); make the first axes equal"
    case .labelOutOfRange(let source, let sample, let label, let classes):
      "\(source): sample \(sample): label \(label) is not from 0 to \(classes - 1), as \(classes) classes ask; "
        + "renumber the labels or check the model's output"
    case .rowOutOfRange(let source, let sample, let row, let rows):
      "\(source): sample \(sample): \(row) is not from 0 to \(rows - 1), the rows the model looks up; "
        + "renumber the data or check the model"
    case .notFinite(let source, let sample, let value):
      "\(source): sample \(sample): holds \(value); remove or replace the sample"
    case .missingInput(let name, let source, let available):
      "\(source): nothing for input \(name); there is \(available.joined(separator: ", ")): rename an array to \(name)"
    case .wrongShape(let source, let input, let found, let expected):
      "\(source): samples have shape \(Self.text(found)), input \(input) takes \(expected); reshape the data"
    case .wrongType(let source, let input, let found, let expected):
      "\(source): elements are \(found), input \(input) takes \(expected); convert the data"
    case .setting(let name, let reason): "data: \(name): \(reason)"
    }
  }

  /// Whether the user asked for something that cannot be meant, rather than gave a file that is wrong.
  public var isUsageError: Bool {
    if case .setting = self { true } else { false }
  }

  private static func join(_ path: String, _ place: String) -> String { place.isEmpty ? path : "\(path): \(place)" }

  static func text(_ shape: [Int]) -> String { "[\(shape.map(String.init).joined(separator: ", "))]" }
}
