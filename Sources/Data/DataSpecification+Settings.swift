/// What can be said about data, by name: the one list behind the options of commands and the keys of files.
///
/// Names are spelled with `_` in files and with `-` as options of the command line.
extension DataSpecification {
  public struct Setting: Sendable {
    public let name: String
    /// What it takes, such as `height x width`.
    public let value: String
    public let help: String
    let apply: @Sendable (inout DataSpecification, [String]) throws(DataError) -> Void

    public var option: String { name.replacing("_", with: "-") }
  }

  public static let settings: [Setting] = [
    Setting(
      name: "file_format", value: "format",
      help:
        "What the file is, where its name does not tell: \(Format.allCases.map(\.rawValue).joined(separator: ", "))."
    ) { (data, texts) throws(DataError) in data.format = try choice(texts, "file_format") },
    Setting(name: "labels", value: "path", help: "The file of the labels, for IDX.") {
      (data, texts) throws(DataError) in data.labels = try single(texts, "labels")
    },
    Setting(
      name: "label_column", value: "column",
      help: "The column of the labels in a table, by name or by number from 0, negative from the end."
    ) { (data, texts) throws(DataError) in data.table.label = CSVFile.Column(try single(texts, "label_column")) },
    Setting(
      name: "header", value: "choice",
      help: "Whether the first line of a table names its columns; auto: where no cell of it is a number."
    ) { (data, texts) throws(DataError) in data.table.hasHeader = try (choice(texts, "header") as Header).isThere },
    Setting(name: "separator", value: "character", help: "What divides the columns of a table, such as ; or tab.") {
      (data, texts) throws(DataError) in data.table.separator = try separator(texts)
    },
    Setting(
      name: "sample_shape", value: "sizes", help: "The shape of a sample, where the file has another: 1x8x8."
    ) { (data, texts) throws(DataError) in data.shape = try sizes(texts, "sample_shape") },
    Setting(
      name: "image_size", value: "sizes",
      help: "Height and width pictures of a folder are scaled and cropped to: 224x224."
    ) { (data, texts) throws(DataError) in
      let sizes = try sizes(texts, "image_size")
      guard let height = sizes.first, let width = sizes.last, sizes.count <= 2 else {
        throw fault("image_size", "give a height and a width, such as 224x224")
      }
      data.imageSize = ImageSize(height: height, width: width)
    },
    Setting(name: "image_channels", value: "number", help: "1 to read pictures of a folder as grey, else 3.") {
      (data, texts) throws(DataError) in data.channels = try integer(texts, "image_channels")
    },
    Setting(name: "sequence_length", value: "number", help: "Tokens of a sample, for files of tokens.") {
      (data, texts) throws(DataError) in data.sequenceLength = try integer(texts, "sequence_length")
    },
    Setting(
      name: "sequence_stride", value: "number",
      help: "Tokens from one sample to the next; as many as a sample has by default."
    ) { (data, texts) throws(DataError) in data.stride = try integer(texts, "sequence_stride") },
    Setting(
      name: "scale", value: "number",
      help: "What numbers are multiplied with first; 1/255 for pictures stored as bytes, else 1 by default."
    ) { (data, texts) throws(DataError) in
      data.normalization.scale = try number(try single(texts, "scale"), "scale")
    },
    Setting(
      name: "mean", value: "numbers", help: "What is subtracted then: one number, or one a channel: 0.49,0.48,0.45."
    ) {
      (data, texts) throws(DataError) in data.normalization.mean = try numbers(texts, "mean")
    },
    Setting(name: "std", value: "numbers", help: "What is divided by last: one number, or one a channel.") {
      (data, texts) throws(DataError) in data.normalization.deviation = try numbers(texts, "std")
    },
    Setting(
      name: "augment", value: "changes",
      help: "Changes drawn anew for every picture while training: flip, shift:PIXELS, crop:PIXELS, reflect:PIXELS."
    ) { (data, texts) throws(DataError) in
      var augmentations: [Augmentation] = []
      for text in list(texts) { augmentations.append(try Augmentation(text)) }
      data.augmentations = augmentations
    },
    Setting(name: "layout", value: "layout", help: "Whether channels come first or last for the model: nchw, nhwc.") {
      (data, texts) throws(DataError) in data.layout = try choice(texts, "layout")
    },
  ]

  /// Takes up one setting.
  /// - Parameter texts: one text, or several where a file gives a list; a text may itself be a list with commas.
  /// - Returns: whether there is a setting of this name.
  /// - Throws: where the setting cannot be what the text says.
  @discardableResult
  public mutating func set(_ name: String, to texts: [String]) throws(DataError) -> Bool {
    guard let setting = Self.settings.first(where: { $0.name == name }) else { return false }
    try setting.apply(&self, texts)
    return true
  }

  // MARK: Reading texts

  private static func fault(_ name: String, _ reason: String) -> DataError {
    .setting(name: name.replacing("_", with: " "), reason: reason)
  }

  private static func single(_ texts: [String], _ name: String) throws(DataError) -> String {
    guard let text = texts.first, texts.count == 1, !text.isEmpty else {
      throw fault(name, "takes one value, not \(texts.count == 1 ? "nothing" : "a list")")
    }
    return text
  }

  private static func list(_ texts: [String]) -> [String] {
    texts.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { part in
      String(part.drop { $0 == " " })
    }
  }

  private static func number(_ text: String, _ name: String) throws(DataError) -> Float {
    // A quotient, as scales are usually said: 1/255.
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Float($0) }
    if parts.count == 1, let number = parts[0], number.isFinite { return number }
    if parts.count == 2, let dividend = parts[0], let divisor = parts[1], (dividend / divisor).isFinite {
      return dividend / divisor
    }
    throw fault(name, "'\(text)' is not a number")
  }

  private static func numbers(_ texts: [String], _ name: String) throws(DataError) -> [Float] {
    var numbers: [Float] = []
    for text in list(texts) { numbers.append(try number(text, name)) }
    return numbers
  }

  private static func integer(_ texts: [String], _ name: String) throws(DataError) -> Int {
    let text = try single(texts, name)
    guard let number = Int(text), number > 0 else {
      throw fault(name, "'\(text)' is not a positive whole number")
    }
    return number
  }

  private static func sizes(_ texts: [String], _ name: String) throws(DataError) -> [Int] {
    var sizes: [Int] = []
    for part in list(texts).flatMap({ $0.split(separator: "x", omittingEmptySubsequences: false) }) {
      guard let size = Int(part), size > 0, size < 1 << 31 else {
        throw fault(name, "'\(part)' is not a size; sizes are spelled 3x32x32")
      }
      sizes.append(size)
    }
    return sizes
  }

  private enum Header: String, CaseIterable {
    case auto, yes, no

    var isThere: Bool? {
      switch self {
      case .auto: nil
      case .yes: true
      case .no: false
      }
    }
  }

  private static func separator(_ texts: [String]) throws(DataError) -> Character {
    let text = try single(texts, "separator")
    guard text != "tab" else { return "\t" }
    guard let character = text.first, text.count == 1 else {
      throw fault("separator", "'\(text)' is not one character, nor tab")
    }
    return character
  }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ texts: [String], _ name: String
  ) throws(DataError) -> Choice {
    let text = try single(texts, name)
    guard let choice = Choice(rawValue: text) else {
      throw fault(
        name, "'\(text)' is none; there are \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return choice
  }
}
