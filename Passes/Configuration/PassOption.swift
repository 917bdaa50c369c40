/// The description of one option: what checks it, documents it and makes its schema.
public struct PassOption: Sendable {
  public indirect enum Kind: Sendable {
    case flag
    case integer(atLeast: Int)
    /// A number between 0 and 1, both excluded; `30%` is 0.3.
    case share
    /// The same with 0 and 1.
    case fraction
    case number(ClosedRange<Double>)
    case text
    /// A file; relative ones start at the pipeline file's folder.
    case path
    case choice([String])
    /// One or several of the names, as a list or joined by commas.
    case choices([String])
    case mapping([PassOption])
    /// A value given directly, or under `key` in a mapping.
    case orMapping(Kind, key: String)
    /// The second kind for mappings, the first for everything else.
    case either(Kind, Kind)
    case list(of: Kind)
  }

  /// In snake_case, as in pipeline files.
  public let name: String
  public let kind: Kind
  /// What holds where the option is left out, for people; `nil` where nothing does.
  public let defaultText: String?
  public let isRequired: Bool
  /// One sentence ending with a full stop.
  public let help: String

  public init(
    _ name: String, _ kind: Kind, default defaultText: String? = nil, isRequired: Bool = false, help: String
  ) {
    self.name = name
    self.kind = kind
    self.defaultText = defaultText
    self.isRequired = isRequired
    self.help = help
  }
}

extension PassOption.Kind: CustomStringConvertible {
  /// What values look like, for tables and messages.
  public var description: String {
    switch self {
    case .flag: "true or false"
    case .integer(let minimum): "an integer of at least \(minimum)"
    case .share: "a share between 0 and 1, or a percentage"
    case .fraction: "a share from 0 to 1, or a percentage"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .text: "text"
    case .path: "a path"
    case .choice(let names): "one of \(names.joined(separator: ", "))"
    case .choices(let names): "any of \(names.joined(separator: ", "))"
    case .mapping: "a mapping"
    case .orMapping(let kind, let key): "\(kind.description), alone or as {\(key): …}"
    case .either(let kind, let other): "\(kind.description) or \(other.description)"
    case .list(let kind): "a list of \(kind.description)"
    }
  }
}
