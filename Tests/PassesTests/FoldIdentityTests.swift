import Passes
import TestSupport
import Testing

@Suite("fold-identity")
struct FoldIdentityTests {
  @Test("readers of a chain of copies read what the chain starts with")
  func chain() throws {
    var model = try GraphText.model(
      """
      x: float[1, 4]
      a = Identity(x)
      b = Identity(a)
      c = Relu(b)
      y = Add(c, a)
      return y
      """)
    let record = try run(FoldIdentityPass(), on: &model)
    #expect(listing(model) == ["c = Relu(x)", "y = Add(c, x)"])
    #expect(record.after.nodes == 2)
  }

  @Test("a copy that makes an output stays")
  func output() throws {
    var model = try GraphText.model("x: float[1, 4]\na = Relu(x)\ny = Identity(a)\nreturn y")
    #expect(try !run(FoldIdentityPass(), on: &model).report.isModified)
    #expect(model.graph.nodes.count == 2)
  }

  @Test("a copy read inside a body is folded there too")
  func bodies() throws {
    var model = try GraphText.model("c: bool[]\nx: float[1, 4]\na = Identity(x)\ny = If(c)\nreturn y")
    let inner = model.addValue(named: "inner")
    let a = try #require(model.graph.nodes[0].output(0))
    var body = Graph(name: "then", nodes: [Node(inputs: [a], outputs: [inner], opType: "Neg")])
    body.outputs = [ValueInfo(value: inner, type: nil)]
    model.graph.nodes[1].setAttribute("then_branch", .graph(body))
    _ = try run(FoldIdentityPass(), on: &model)
    let read = try #require(model.graph.nodes[0].subgraphs.first?.nodes.first?.input(0))
    #expect(model.name(of: read) == "x")
  }
}
