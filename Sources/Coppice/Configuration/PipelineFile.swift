/// A pipeline file: a model, the passes to run on it, and where the results go.
///
/// Relative paths start at the folder of the file that names them on the command line, so that a pipeline means the
/// same wherever it is run from.
public struct PipelineFile: Sendable {
  /// The configuration with what it extends and what the command line sets.
  public let resolved: ConfigNode
  public let path: String
  public let modelPath: String
  public let inputShapes: InputShapes
  public let seed: UInt64
  public let pipeline: Pipeline
  public var output: Output

  public struct Output: Sendable {
    public var model: String?
    public var plan: String?
    public var writesReport: Bool
    public var externalData: ONNXWriter.Options.ExternalData
  }

  /// The keys of a file beside `prune`, `target` and `pipeline`, whose contents are options of passes.
  static let sections: [PassOption] = [
    PassOption("coppice", .integer(atLeast: 1), isRequired: true, help: "Version of this format: 1."),
    PassOption(
      "model", .either(.path, .mapping(models)), isRequired: true, help: "The model to start from."),
    PassOption("seed", .integer(atLeast: 0), default: "0", help: "Seed of everything drawn at random."),
    PassOption("output", .mapping(outputs), default: "nothing is written", help: "Where the results go."),
  ]

  static let models: [PassOption] = [
    PassOption("path", .path, isRequired: true, help: "The model's file."),
    PassOption(
      "shapes", .list(of: .text), help: "Shapes of inputs for counting MACs, such as `input=1x3x224x224`."),
  ]

  static let outputs: [PassOption] = [
    PassOption("model", .path, help: "Where the last model goes."),
    PassOption("plan", .path, help: "Where the plan of the prune pass goes."),
    PassOption(
      "report", .choices(["json"]), help: "Reports to write beside the model, as NAME.report.json for NAME.onnx."),
    PassOption(
      "external_data", .choice(["auto", "always", "never"]), default: "auto",
      help: "Whether large tensors go to a file of their own; auto does as the input did."),
  ]

  /// Reads a file, lays it over those it extends, and checks every key and value.
  public init(
    contentsOf path: String, overrides: [ConfigOverride] = [], registry: PassRegistry = .standard
  ) throws(ConfigError) {
    var node = try ConfigFile.read(path)
    for override in overrides { node = try override.apply(to: node) }
    try self.init(node, path: path, registry: registry)
  }

  /// Checks a configuration.
  /// - Parameter path: the file relative paths start beside.
  public init(_ node: ConfigNode, path: String, registry: PassRegistry = .standard) throws(ConfigError) {
    guard let entries = node.entries else {
      throw ConfigError(node.location, "a pipeline file is a mapping, not \(node.kindText)")
    }
    let names = Self.sections.map(\.name) + ["prune", "target", "pipeline"]
    for entry in entries where !names.contains(entry.key) {
      let hint = Suggestion.text(for: entry.key, among: names)
      throw ConfigError(entry.location, "there is no key \(entry.key)\(hint)")
    }
    let passSections = ["prune", "target", "pipeline"]
    let plain = ConfigNode.mapping(entries.filter { !passSections.contains($0.key) }, at: node.location)
    let values = try OptionValues(checking: plain, of: "the file", options: Self.sections, at: node.location)
    guard values.integer("coppice") == 1 else {
      throw ConfigError(node["coppice"]?.location ?? node.location, "this release reads version 1 of the format only")
    }
    let folder = ConfigFile.folder(of: path)
    func place(_ path: String?) -> String? { path.map { Context.resolve($0, in: folder) } }
    let outputs = values.group("output")
    resolved = node
    self.path = path
    let model = values.group("model")
    modelPath = place(values.text("model") ?? model?.text("path")) ?? ""
    let shapes = (model?.elements("shapes") ?? []).compactMap { if case .text(let text) = $0 { text } else { nil } }
    do { inputShapes = try InputShapes(parsing: shapes) } catch {
      throw ConfigError(model?.location(of: "shapes") ?? node.location, "\(error)")
    }
    seed = UInt64(values.integer("seed") ?? 0)
    output = Output(
      model: place(outputs?.text("model")), plan: place(outputs?.text("plan")),
      writesReport: outputs?.list("report")?.isEmpty == false,
      externalData: .init(named: outputs?.text("external_data")))
    pipeline = try Self.pipeline(node, registry)
  }

  /// The passes, where the options under `prune` and `target` hold for every `prune` that does not say otherwise.
  private static func pipeline(_ node: ConfigNode, _ registry: PassRegistry) throws(ConfigError) -> Pipeline {
    var defaults = node["prune"].flatMap { $0.scalar == .null ? nil : $0 }
    if let target = node["target"], target.scalar != .null { defaults = defaults?.merging(target) ?? target }
    guard let list = node["pipeline"] else {
      guard defaults != nil else {
        throw ConfigError(node.location, "the file has neither pipeline nor prune: nothing to do")
      }
      return Pipeline([try pass("prune", nil, defaults, at: node.location, registry)])
    }
    guard let elements = list.elements else {
      throw ConfigError(list.location, "pipeline must be a list of passes, not \(list.kindText)")
    }
    var passes: [any Pass] = []
    for element in elements {
      if let entries = element.entries {
        guard let entry = entries.first, entries.count == 1 else {
          throw ConfigError(element.location, "each element of pipeline is one pass; indent its options below its name")
        }
        passes.append(try pass(entry.key, entry.value, defaults, at: entry.location, registry))
      } else if let name = element.scalarText, !name.isEmpty {
        passes.append(try pass(name, nil, defaults, at: element.location, registry))
      } else {
        throw ConfigError(element.location, "expected the name of a pass, not \(element.kindText)")
      }
    }
    if let defaults, !passes.contains(where: { $0 is PrunePass }) {
      throw ConfigError(defaults.location, "prune has options, but pipeline does not run it")
    }
    return Pipeline(passes)
  }

  private static func pass(
    _ name: String, _ options: ConfigNode?, _ defaults: ConfigNode?, at location: ConfigLocation,
    _ registry: PassRegistry
  ) throws(ConfigError) -> any Pass {
    guard let type = registry.named(name) else {
      throw ConfigError(location, "there is no pass \(name)\(Suggestion.text(for: name, among: registry.names))")
    }
    var options = options.flatMap { $0.scalar == .null ? nil : $0 }
    if name == PrunePass.name, let defaults { options = options.map { defaults.merging($0) } ?? defaults }
    let values = try OptionValues(checking: options, of: "pass \(name)", options: type.options, at: location)
    return try type.init(values)
  }
}
