import ArgumentParser
import Coppice
import Operators

/// For checking shape inference against other implementations.
struct Shapes: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints what is known of every value of models, a line of JSON a model.", shouldDisplay: false)

  @Argument(help: "The models to look at.") var models: [String] = []

  func run() throws {
    for path in models { try printOut(Self.line(path).text(linesTo: 0)) }
  }

  private static func line(_ path: String) -> JSONText {
    let model: Model
    let analysis: ModelAnalysis
    do {
      model = try Model(contentsOf: path)
      analysis = try ModelAnalysis(model)
    } catch {
      return .object([("path", .string(path)), ("error", .string("\(error)"))])
    }
    var values: [(String, JSONText)] = []
    for (name, facts) in zip(model.valueNames, analysis.facts) { values.append((name, describe(facts))) }
    return .object([("path", .string(path)), ("values", .object(values))])
  }

  private static func describe(_ facts: Facts) -> JSONText {
    let type: JSONText = facts.type.map { .int(Int($0.rawValue)) } ?? .null
    let sizes = facts.shape?.map { size -> JSONText in size.known.map { .int($0) } ?? .null }
    let contents = facts.contents?.map { element -> JSONText in element.double.map { .double($0) } ?? .null }
    return .object([
      ("type", type), ("shape", sizes.map { .array($0) } ?? .null),
      ("contents", contents.map { .array($0) } ?? .null),
    ])
  }
}
