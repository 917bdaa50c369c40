import Coppice

/// The descriptions passes give of themselves, for people, programs and the manual.
enum PassDocumentation {
  static func text(_ pass: any Pass.Type) -> String {
    var lines = ["\(pass.name): \(pass.abstract)"]
    for option in pass.options {
      lines += ["", "\(option.name): \(option.kind)", "  \(option.help)\(note(option))"]
    }
    return lines.joined(separator: "\n")
  }

  static func json(_ passes: [any Pass.Type]) -> JSONText {
    let list = passes.map { pass -> JSONText in
      let options = pass.options.map { option -> JSONText in
        .object([
          ("name", .string(option.name)), ("type", .string("\(option.kind)")), ("required", .bool(option.isRequired)),
          ("default", option.defaultText.map { .string($0) } ?? .null), ("help", .string(option.help)),
        ])
      }
      return .object([
        ("name", .string(pass.name)), ("abstract", .string(pass.abstract)), ("options", .array(options)),
      ])
    }
    return .object([("version", .int(1)), ("passes", .array(list))])
  }

  /// Docs/Passes.md.
  static func markdown(_ passes: [any Pass.Type]) -> String {
    var text = """
      # Passes

      What a pipeline file can run, as `coppice passes` lists it. Written by `make docs`; do not edit.

      """
    for pass in passes {
      text += "\n## \(pass.name)\n\n\(pass.abstract)\n"
      guard !pass.options.isEmpty else { continue }
      text += "\n| option | takes | default | |\n|---|---|---|---|\n"
      for option in pass.options {
        let value = option.isRequired ? "required" : option.defaultText ?? "–"
        text += "| `\(option.name)` | \(option.kind) | \(value) | \(option.help) |\n"
      }
    }
    return text
  }

  private static func note(_ option: PassOption) -> String {
    option.isRequired ? " Required." : option.defaultText.map { " Default: \($0)." } ?? ""
  }
}
