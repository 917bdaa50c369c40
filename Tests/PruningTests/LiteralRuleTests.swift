import Analysis
import TestSupport
import Testing

@testable import Pruning

@Suite("Literal rules")
struct LiteralRuleTests {
  @Test("a literal pattern matches its name and no other", arguments: ["a*b", "a?b", "a\\b", "a&b", "x:a=b/*", "**"])
  func literal(name: String) {
    let glob = Glob(literally: name)
    #expect(glob.matches(name))
    for other in ["axb", "ab", "a//b", "x:a=b/c"] { #expect(!glob.matches(other), "\(glob.pattern) matches \(other)") }
  }

  @Test("a character after a backslash stands for itself, and so does a backslash at the end")
  func escapes() {
    #expect(Glob("a\\*").matches("a*") && !Glob("a\\*").matches("ab"))
    #expect(Glob("a\\").matches("a\\"))
    #expect(Glob("\\**").matches("*abc"))
  }

  @Test("a rule of a literal name is read as it was written", arguments: ["channel:a&b*", "channel:w:1", "head:q\\"])
  func spelling(name: String) throws {
    let rule = Rule([.group(Glob(literally: name))], .keep)
    #expect(try Rule(parsing: rule.text) == rule)
  }

  @Test("candidates are the groups of the kinds, less those a rule keeps")
  func candidates() throws {
    let analysis = try GraphText.analysis(Graphs.residual(stages: [64, 128], blocks: 2))
    var options = SelectionOptions(ratio: 0.5)
    let all = try options.candidateGroups(in: analysis)
    #expect(all == Array(analysis.groups.indices))
    options.rules = [Rule([.group(Glob(literally: analysis.groups[1].id))], .keep)]
    #expect(try options.candidateGroups(in: analysis) == all.filter { $0 != 1 })
    options.rules = []
    options.kinds = .only([.head])
    #expect(try options.candidateGroups(in: analysis).isEmpty)
  }
}
