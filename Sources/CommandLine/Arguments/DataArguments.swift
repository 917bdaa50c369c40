import ArgumentParser
import Coppice
import DataSources

/// What is said of data beside where they are: the settings of ``DataSpecification``, each an option.
struct DataArguments: ParsableArguments {
  @Option(help: DataSetting.help("file_format")) var fileFormat: String?
  @Option(help: DataSetting.help("labels"), completion: .file()) var labels: String?
  @Option(parsing: .unconditional, help: DataSetting.help("label_column")) var labelColumn: String?
  @Option(help: DataSetting.help("header")) var header: String?
  @Option(help: DataSetting.help("separator")) var separator: String?
  @Option(help: DataSetting.help("sample_shape")) var sampleShape: String?
  @Option(help: DataSetting.help("image_size")) var imageSize: String?
  @Option(help: DataSetting.help("image_channels")) var imageChannels: String?
  @Option(help: DataSetting.help("sequence_length")) var sequenceLength: String?
  @Option(help: DataSetting.help("sequence_stride")) var sequenceStride: String?
  @Option(parsing: .unconditional, help: DataSetting.help("scale")) var scale: String?
  @Option(parsing: .unconditional, help: DataSetting.help("mean")) var mean: String?
  @Option(parsing: .unconditional, help: DataSetting.help("std")) var std: String?
  @Option(help: DataSetting.help("layout")) var layout: String?

  static let discussion = """
    Data are an .npz file with an array for every input of the model and the labels as \(labelField);
    or .npy, .csv, IDX, CIFAR, tokens, or a folder of pictures with a folder for each class;
    or a .yaml file that names one of these and says what is done with it (Docs/Data.md).
    """

  private var given: [(name: String, text: String?)] {
    [
      ("file_format", fileFormat), ("label_column", labelColumn), ("header", header), ("separator", separator),
      ("sample_shape", sampleShape), ("image_size", imageSize), ("image_channels", imageChannels),
      ("sequence_length", sequenceLength), ("sequence_stride", sequenceStride), ("scale", scale), ("mean", mean),
      ("std", std), ("layout", layout),
    ]
  }

  /// Data by their path; what is said here wins over what a file of settings says.
  /// - Parameter labels: the file of their labels, which other data do not share.
  func specification(
    _ path: String, labels: String?, augment: String? = nil, seed: UInt64 = 0
  ) throws -> DataSpecification {
    var data = DataFile.isSettings(path) ? try DataFile.read(path) : DataSpecification(path: path)
    data.seed = seed
    for case (let name, let text?) in given + [("labels", labels), ("augment", augment)] {
      try data.set(name, to: [text])
    }
    return data
  }

  func open(_ path: String) throws -> any Dataset { try specification(path, labels: labels).openLabelled() }
}

extension DataSpecification {
  /// - Parameter option: the one that gives the file of the labels.
  /// - Throws: also where there are no labels and an option would tell where they are.
  func openLabelled(by option: String = "--labels") throws -> any Dataset {
    let data = try open()
    guard data.field(labelField) == nil else { return data }
    switch try knownFormat() {
    case .idx: throw Failure.invalidModel("\(path): has no labels; give their file with \(option) FILE")
    case .csv: throw Failure.invalidModel("\(path): has no labels; give their column with --label-column COLUMN")
    default: return data
    }
  }
}

/// The help of a setting, as the library has it.
enum DataSetting {
  static func help(_ name: String) -> ArgumentHelp {
    guard let setting = DataSpecification.settings.first(where: { $0.name == name }) else { return "" }
    return ArgumentHelp(stringLiteral: setting.help).valued(setting.value)
  }
}

extension ArgumentHelp {
  fileprivate func valued(_ name: String) -> ArgumentHelp {
    var help = self
    help.valueName = name
    return help
  }
}

/// A file that says where data are and what is done with them, under `data`.
///
/// ```yaml
/// coppice: 1
/// data:
///   path: train-images-idx3-ubyte.gz
///   mean: 0.286
///   std: 0.353
///   augment: [flip, shift:2]
/// ```
enum DataFile {
  static func isSettings(_ path: String) -> Bool { path.hasSuffix(".yaml") || path.hasSuffix(".yml") }

  static func read(_ file: String) throws -> DataSpecification {
    let node = try ConfigFile.read(file)
    for entry in node.entries ?? [] where entry.key != "coppice" && entry.key != "data" {
      throw unknown(entry, among: ["coppice", "data"])
    }
    guard node["coppice"]?.scalarText == "1" else {
      throw ConfigError(node["coppice"]?.location ?? node.location, "say coppice: 1, the version of the format")
    }
    guard let section = node["data"], let entries = section.entries else {
      throw ConfigError(node["data"]?.location ?? node.location, "say under data where the data are, as path")
    }
    guard let path = section["path"]?.scalarText, !path.isEmpty else {
      throw ConfigError(section["path"]?.location ?? section.location, "data has no path")
    }
    let folder = ConfigFile.folder(of: file)
    var data = DataSpecification(path: Context.resolve(path, in: folder))
    for entry in entries where entry.key != "path" {
      do {
        guard try data.set(entry.key, to: try texts(of: entry, in: folder)) else {
          throw unknown(entry, among: ["path"] + DataSpecification.settings.map(\.name))
        }
      } catch let error as DataError {
        throw ConfigError(entry.value.location, "\(error)")
      }
    }
    return data
  }

  /// The value as texts, one an element of a list; paths start at the file's folder.
  private static func texts(of entry: ConfigNode.Entry, in folder: String) throws -> [String] {
    let texts = try (entry.value.elements ?? [entry.value]).map { element in
      guard let text = element.scalarText else {
        throw ConfigError(element.location, "\(entry.key) takes a value or a list, not \(element.kindText)")
      }
      return text
    }
    return entry.key == "labels" ? texts.map { Context.resolve($0, in: folder) } : texts
  }

  private static func unknown(_ entry: ConfigNode.Entry, among names: [String]) -> ConfigError {
    ConfigError(entry.location, "there is no key \(entry.key)\(Suggestion.text(for: entry.key, among: names))")
  }
}
