import Foundation
import Operators
import Testing

/// The tables of the manual are what the program says of itself.
@Suite("Documentation")
struct DocumentationTests {
  private func document(_ name: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "Docs/\(name)"), encoding: .utf8)
  }

  @Test("Docs/Passes.md and Docs/Operators.md are up to date; make docs writes them")
  func tables() throws {
    let tool = try Tool()
    #expect(try tool.run("coppice passes --markdown").out == document("Passes.md"))
    #expect(try tool.run("coppice operators --markdown").out == document("Operators.md"))
  }

  @Test("the manual names every command and every exit code")
  func commands() throws {
    let text = try document("CommandLine.md")
    let help = try Tool().run("coppice --help").out
    let commands = help.matches(of: #/\n  ([a-z]+) {2,}/#).map { String($0.output.1) }
    #expect(commands.count > 8)
    for command in commands { #expect(text.contains("`coppice \(command)"), "\(command) is missing") }
    for code in [0, 1, 3, 4, 5, 6, 7, 64, 129, 130, 143] { #expect(text.contains("| \(code) |"), "\(code) is missing") }
  }
}
