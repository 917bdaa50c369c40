/// Writes the model as it is at this point: a checkpoint. The pipeline goes on with the model in memory.
public struct WritePass: Pass {
  public static let name = "write"
  public static let abstract = "Writes the model as it is at this point."
  public static let options: [PassOption] = [
    PassOption("path", .path, isRequired: true, help: "Where the model goes."),
    PassOption(
      "external_data", .choice(["auto", "always", "never"]), default: "auto",
      help: "Whether large tensors go to a file of their own; auto does as the input did."),
  ]

  private let path: String
  private let externalData: ONNXWriter.Options.ExternalData

  public init(path: String, externalData: ONNXWriter.Options.ExternalData = .auto) {
    self.path = path
    self.externalData = externalData
  }

  public init(_ options: OptionValues) throws(ConfigError) {
    guard let path = options.text("path") else { throw ConfigError(options.location, "write needs a path") }
    self.init(path: path, externalData: .init(named: options.text("external_data")))
  }

  public func run(_ model: inout Model, in context: Context) throws -> PassReport {
    var options = ONNXWriter.Options()
    options.externalData = externalData
    options.overwrite = context.overwrite
    options.protectedPaths = [context.source.path]
    let path = context.resolve(path)
    let bytes = try ONNXWriter.write(model, to: path, options: options)
    return PassReport(isModified: false, statistics: [("path", .string(path)), ("writtenBytes", .int(bytes))])
  }
}

extension ONNXWriter.Options.ExternalData {
  /// The mode of that name; `auto` for none.
  public init(named name: String?) {
    switch name {
    case "always": self = .always
    case "never": self = .never
    default: self = .auto
    }
  }
}
