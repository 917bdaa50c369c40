import IR

/// Reads tables of numbers: one sample a line, one column the label.
public enum CSVFile {
  /// A column by its name in the header, or its place from 0; negative places count from the end.
  public enum Column: Sendable, Equatable {
    case named(String)
    case at(Int)

    /// A whole number is a place, everything else a name.
    public init(_ text: String) { self = Int(text).map { .at($0) } ?? .named(text) }
  }

  /// How a table is read.
  public struct Options: Sendable, Equatable {
    /// Whether the first line names the columns; `nil`: it does if no cell of it is a number.
    public var hasHeader: Bool?
    /// `nil`: the column named `label` or `class` or, without such names, none.
    public var label: Column?
    public var separator: Character

    public init(hasHeader: Bool? = nil, label: Column? = nil, separator: Character = ",") {
      self.hasHeader = hasHeader
      self.label = label
      self.separator = separator
    }
  }

  /// The numbers of a table.
  public struct Table: Sendable {
    /// `float`, [samples, columns beside the label].
    public var inputs: Tensor
    /// `int64` where every label is a whole number, else `float`; for words, their places among the sorted words.
    public var labels: Tensor?
    /// The words labels were given as, sorted.
    public var classNames: [String]
  }

  /// - Parameter path: a file as it is, or gzipped.
  public static func read(_ path: String, _ options: Options = Options()) throws(DataError) -> Table {
    let contents = try Inflation.contents(of: try InputFile(path: path))
    guard let separator = options.separator.asciiValue, !options.separator.isNewline, options.separator != "\"" else {
      throw .setting(name: "separator", reason: "'\(options.separator)' cannot divide columns; give one like , or ;")
    }
    return try contents.withUnsafeBytes { bytes throws(DataError) in
      var builder = CSVTableBuilder(path: path, options: options)
      var reader = CSVReader(bytes, separator: separator, path: path)
      var cells: [CSVReader.Cell] = []
      while try reader.next(into: &cells) { try builder.add(cells) }
      return try builder.table()
    }
  }
}

/// Collects the lines of a table.
struct CSVTableBuilder {
  private let path: String
  private let options: CSVFile.Options
  private var width = 0
  private var labelColumn: Int?
  private var isStarted = false
  private var values: [Float] = []
  private var labels: [CSVReader.Cell] = []
  private var rows = 0

  init(path: String, options: CSVFile.Options) {
    self.path = path
    self.options = options
  }

  mutating func add(_ cells: [CSVReader.Cell]) throws(DataError) {
    if !isStarted {
      isStarted = true
      width = cells.count
      let hasHeader = options.hasHeader ?? cells.allSatisfy { Float($0.text) == nil }
      labelColumn = try findLabel(hasHeader ? cells.map(\.text) : nil)
      if hasHeader { return }
    }
    guard cells.count == width else {
      throw .malformed(
        path: path, place: "\(cells.first?.line ?? 0):1",
        reason: "the line has \(cells.count) columns, the first one has \(width)")
    }
    for (column, cell) in cells.enumerated() {
      if column == labelColumn {
        labels.append(cell)
        continue
      }
      guard let value = Float(cell.text) else {
        throw .malformed(path: path, place: "\(cell.line):\(cell.column)", reason: "'\(cell.text)' is not a number")
      }
      values.append(value)
    }
    rows += 1
  }

  func table() throws(DataError) -> CSVFile.Table {
    guard rows > 0 else { throw .empty(source: path) }
    let region = values.withUnsafeBytes { ByteRegion(copying: $0) }
    let inputs = Tensor(
      dataType: .float, shape: [rows, width - (labelColumn == nil ? 0 : 1)], storage: .bytes(region))
    guard labelColumn != nil else { return CSVFile.Table(inputs: inputs, labels: nil, classNames: []) }
    let integers = labels.compactMap { Self.integer($0.text) }
    if integers.count == rows {
      return CSVFile.Table(inputs: inputs, labels: Tensor(int64s: integers), classNames: [])
    }
    let numbers = labels.compactMap { Float($0.text) }
    if numbers.count == rows {
      let region = numbers.withUnsafeBytes { ByteRegion(copying: $0) }
      let tensor = Tensor(dataType: .float, shape: [rows], storage: .bytes(region))
      return CSVFile.Table(inputs: inputs, labels: tensor, classNames: [])
    }
    return try named(inputs, numberCount: numbers.count)
  }

  /// `1` and also `1.0`, as programs write it that know numbers of one kind only.
  private static func integer(_ text: String) -> Int64? {
    Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
  }

  private func named(_ inputs: Tensor, numberCount: Int) throws(DataError) -> CSVFile.Table {
    if numberCount > 0, let cell = labels.first(where: { Float($0.text) == nil }) {
      throw .malformed(
        path: path, place: "\(cell.line):\(cell.column)", reason: "label '\(cell.text)' is a word, others are numbers")
    }
    let names = Set(labels.map(\.text)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int64($0)) })
    let tensor = Tensor(int64s: labels.map { numbers[$0.text] ?? 0 })
    return CSVFile.Table(inputs: inputs, labels: tensor, classNames: names)
  }

  private func findLabel(_ names: [String]?) throws(DataError) -> Int? {
    switch options.label {
    case nil: return names?.firstIndex { ["label", "class"].contains($0.lowercased()) }
    case .at(let place):
      let column = place < 0 ? width + place : place
      guard (0..<width).contains(column) else {
        throw .setting(name: "label column", reason: "\(path) has \(width) columns, none is \(place)")
      }
      return column
    case .named(let name):
      guard let names else {
        throw .setting(name: "label column", reason: "\(path) has no header to find \(name) in; give a number from 0")
      }
      guard let column = names.firstIndex(of: name) else {
        throw .setting(
          name: "label column", reason: "\(path) has no column \(name); it has \(names.joined(separator: ", "))")
      }
      return column
    }
  }
}

extension ArrayDataset {
  /// A table of numbers.
  /// - Parameter field: the name of the field that all columns but the label become.
  public init(csv path: String, _ options: CSVFile.Options = .init(), field: String) throws(DataError) {
    let table = try CSVFile.read(path, options)
    var arrays = [StoredArray(field: field, source: path, tensor: table.inputs)]
    if let labels = table.labels {
      arrays.append(StoredArray(field: labelField, source: "\(path): label column", tensor: labels))
    }
    try self.init(arrays, source: path)
  }
}
