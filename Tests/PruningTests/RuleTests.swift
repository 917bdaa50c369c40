import Analysis
import TestSupport
import Testing

@testable import Pruning

@Suite("Rules")
struct RuleTests {
  @Test(
    "patterns match names and what is below them",
    arguments: [
      ("/layer1/*", "/layer1/layer1.0/conv1/Conv", true), ("/layer1", "/layer1/layer1.0/conv1/Conv", true),
      ("layer1/**", "/layer1/layer1.0/conv1/Conv", true), ("/layer1/*", "/layer10/conv", false),
      ("/layer1", "/layer10/conv", false), ("/*/conv?", "/a/conv1", true), ("/*/conv?", "/a/b/conv1", false),
      ("/**/conv?", "/a/b/conv1", true), ("fc.*", "fc.weight", true), ("fc.*", "head.fc.weight", false),
      ("**", "/a/b", true), ("*", "anything", true), ("*.weight", "layer1.0.weight", true), ("", "a", false),
      ("a?c", "a/c", false), ("onnx::Conv_1*", "onnx::Conv_193", true),
      ("**a**a**a**b", "aaaaaaaaaaaaaaaaaaaaaaa", false),
    ])
  func globs(pattern: String, name: String, matches: Bool) { #expect(Glob(pattern).matches(name) == matches) }

  @Test(
    "rules are read and written in one spelling",
    arguments: [
      "/layer1/*:max-ratio=0.3", "op=Gemm:keep", "op=Gemm,Conv:keep", "kind=head:ratio=0.25",
      "tensor=fc.*:min-keep=32", "node=/a:round-to=16", "onnx::Conv_193:keep", "group=channel:w1:min-keep-share=0.5",
      "kind=ffn&/layer1/*:max-ratio=0.3,min-keep=4",
    ])
  func spelling(text: String) throws { #expect(try Rule(parsing: text).text == text) }

  @Test(
    "what is no rule is refused",
    arguments: [
      "", ":", "a", "a:", ":keep", "a:keeep", "a:ratio", "a:ratio=", "a:ratio=2", "a:ratio=1", "a:min-keep=0",
      "a:min-keep=1.5", "a:bogus=1", "kind=heads:keep", "colour=red:keep", "op=:keep", "a&:keep", "a:ratio=nan",
    ])
  func refusing(text: String) { #expect(throws: SelectionError.self) { try Rule(parsing: text) } }

  private func kept(_ rules: [String], ratio: Double = 0.5) throws -> [String: Int] {
    let analysis = try GraphText.analysis(Graphs.residual(stages: [64, 128], blocks: 2))
    var options = SelectionOptions(ratio: ratio)
    options.rules = try rules.map { try Rule(parsing: $0) }
    let plan = try Plan(of: analysis, options: options)
    let pairs = analysis.groups.map { group in
      (group.id, plan.groups.first { $0.id == group.id }?.keep.count ?? group.size)
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private static let inner = "channel:/stage1/block1/a.weight"

  @Test("a rule bounds the groups of the nodes it names, and no others")
  func nodes() throws {
    let free = try kept([])
    let ruled = try kept(["/stage1/block1/a:max-ratio=0.25"])
    #expect(free[Self.inner] == 64 && ruled[Self.inner] == 96)
    #expect(ruled["channel:/stage0/block0/a.weight"] == free["channel:/stage0/block0/a.weight"])
  }

  @Test("tensors, operators, kinds and groups can be named too")
  func fields() throws {
    #expect(try kept(["tensor=/stage1/block1/a.weight:keep"])[Self.inner] == 128)
    #expect(try kept(["group=\(Self.inner):min-keep=100"])[Self.inner] == 104)
    #expect(try kept(["kind=channel:ratio=0.25"])[Self.inner] == 96)
    let stream = try kept(["op=Gemm:keep"])
    #expect(stream.values.filter { $0 == 128 }.count == 1 && stream[Self.inner] == 64)
  }

  @Test("a node is found behind one that only transposes the weight")
  func transposed() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 8]
      t = Transpose(a[16, 8]) { perm: [1, 0] }
      h = MatMul(x, t)
      y = MatMul(h, b[16, 4])
      return y
      """)
    var options = SelectionOptions(ratio: 0.5)
    options.rules = [try Rule(parsing: "node=h:ratio=0.25")]
    #expect(try Plan(of: analysis, options: options).groups.map(\.keep.count) == [12])
  }

  @Test("the last rule that matches holds")
  func order() throws {
    #expect(try kept(["**:keep", "/stage1/block1/a:max-ratio=0.25"])[Self.inner] == 96)
    #expect(try kept(["/stage1/block1/a:max-ratio=0.25", "**:keep"])[Self.inner] == 128)
  }

  @Test(
    "a rule that matches nothing is an error with a suggestion",
    arguments: [
      ("/stag1/*:keep", "/stage1"), ("op=Gem:keep", "op=Gemm"), ("kind=head:keep", "kind=channel"),
      ("tensor=/stage1/block1/a.weigth:keep", "/stage1/block1/a.weight"), ("node=/hed/fc:keep", "/head/fc"),
    ])
  func suggestions(rule: String, suggestion: String) {
    #expect {
      try kept([rule])
    } throws: { error in
      guard case SelectionError.matchesNothing(_, let found) = error else { return false }
      return found == suggestion
    }
  }

  @Test("a rule for what cannot be cut anyway is no error")
  func nothingToCut() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    var options = SelectionOptions(ratio: 0.5)
    options.rules = [try Rule(parsing: "op=Flatten:keep")]
    #expect(try Selection(analysis: analysis, scoring: .magnitude(p: 2), options: options).remarks.count == 1)
  }

  @Test("budgets are met beside rules")
  func budgets() throws {
    let analysis = try GraphText.analysis(Graphs.residual(stages: [64, 128, 256]))
    var options = SelectionOptions(.parameters(.fraction(0.6)))
    options.rules = [try Rule(parsing: "/stage0/*:keep"), try Rule(parsing: "/stage1/block1/a:ratio=0.25")]
    let plan = try Plan(of: analysis, options: options)
    #expect(plan.record.budgets[0].isTight && plan.record.budgets[0].achieved <= plan.record.budgets[0].atMost)
    #expect(plan.groups.first { $0.id == Self.inner }?.keep.count == 96)
    #expect(plan.record.groupsMatched.allSatisfy { $0 > 0 })
  }
}
