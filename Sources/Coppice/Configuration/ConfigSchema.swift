/// The JSON Schema of pipeline files, made from what checks them.
public enum ConfigSchema {
  public static func json(registry: PassRegistry = .standard) -> JSONText {
    let prune = object(PrunePass.options.map(\.optional))
    let pruneReference = JSONText.object([("$ref", .string("#/$defs/prune"))])
    let passes = registry.passes.map { pass -> JSONText in
      let isUsableBare = pass.options.allSatisfy { !$0.isRequired } || pass.name == PrunePass.name
      let body = pass.name == PrunePass.name ? pruneReference : object(pass.options)
      let long = JSONText.object([
        ("type", .string("object")), ("description", .string(pass.abstract)),
        ("properties", .object([(pass.name, body)])), ("required", .array([.string(pass.name)])),
        ("additionalProperties", .bool(false)),
      ])
      return isUsableBare ? anyOf([.object([("const", .string(pass.name))]), long]) : long
    }
    var properties = PipelineFile.sections.map { ($0.name, schema($0)) }
    properties.append(("extends", anyOf([type("string"), list(of: type("string"))])))
    properties.append(("prune", pruneReference))
    properties.append(("target", pruneReference))
    properties.append(("pipeline", list(of: anyOf(passes))))
    let required = PipelineFile.sections.filter(\.isRequired).map { JSONText.string($0.name) }
    return .object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), ("title", .string("Coppice pipeline")),
      ("type", .string("object")), ("properties", .object(properties)), ("required", .array(required)),
      ("additionalProperties", .bool(false)), ("$defs", .object([("prune", prune)])),
    ])
  }

  private static func object(_ options: [PassOption]) -> JSONText {
    var pairs: [(String, JSONText)] = [
      ("type", .string("object")), ("properties", .object(options.map { ($0.name, schema($0)) })),
    ]
    let required = options.filter(\.isRequired).map { JSONText.string($0.name) }
    if !required.isEmpty { pairs.append(("required", .array(required))) }
    return .object(pairs + [("additionalProperties", .bool(false))])
  }

  private static func schema(_ option: PassOption) -> JSONText {
    guard case .object(var pairs) = schema(option.kind) else { return .bool(true) }
    let text = option.help + (option.defaultText.map { " Default: \($0)." } ?? "")
    pairs.append(("description", .string(text)))
    return .object(pairs)
  }

  private static func schema(_ kind: PassOption.Kind) -> JSONText {
    switch kind {
    case .flag: type("boolean")
    case .integer(let minimum): .object([("type", .string("integer")), ("minimum", .int(minimum))])
    case .share:
      anyOf([
        .object([("type", .string("number")), ("exclusiveMinimum", .int(0)), ("exclusiveMaximum", .int(1))]),
        .object([("type", .string("string")), ("pattern", .string("^[0-9.]+ *%$"))]),
      ])
    case .fraction:
      anyOf([
        .object([("type", .string("number")), ("minimum", .int(0)), ("maximum", .int(1))]),
        .object([("type", .string("string")), ("pattern", .string("^[0-9.]+ *%$"))]),
      ])
    case .number(let range):
      .object([
        ("type", .string("number")), ("minimum", .double(range.lowerBound)), ("maximum", .double(range.upperBound)),
      ])
    case .text, .path: type("string")
    case .choice(let names): .object([("enum", .array(names.map { .string($0) }))])
    case .choices(let names):
      anyOf([type("string"), list(of: .object([("enum", .array(names.map { .string($0) }))]))])
    case .mapping(let options): object(options)
    case .orMapping(let kind, let key):
      anyOf([schema(kind), object([PassOption(key, kind, isRequired: true, help: "The value.")])])
    case .either(let kind, let other): anyOf([schema(kind), schema(other)])
    case .list(let kind): list(of: schema(kind))
    }
  }

  private static func type(_ name: String) -> JSONText { .object([("type", .string(name))]) }

  private static func list(of element: JSONText) -> JSONText {
    .object([("type", .string("array")), ("items", element)])
  }

  private static func anyOf(_ choices: [JSONText]) -> JSONText { .object([("anyOf", .array(choices))]) }
}

extension PassOption {
  /// The same where the value may come from another section.
  fileprivate var optional: PassOption { PassOption(name, kind, default: defaultText, help: help) }
}
