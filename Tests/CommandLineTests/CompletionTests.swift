import Foundation
import Testing

@Suite("Completion scripts")
struct CompletionTests {
  @Test("there is a script for each shell", arguments: ["bash", "zsh", "fish"])
  func scripts(_ shell: String) throws {
    let outcome = try Tool().run("coppice completion \(shell)")
    #expect(outcome.code == 0)
    #expect(outcome.out.contains("coppice"))
    #expect(outcome.out.contains("inspect"))
  }
}
