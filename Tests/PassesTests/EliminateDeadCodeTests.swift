import Passes
import TestSupport
import Testing

@Suite("eliminate-dead-code")
struct EliminateDeadCodeTests {
  @Test("nodes and weights no output depends on go, chains of them too")
  func chain() throws {
    var model = try GraphText.model(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[4, 3, 1, 1])
      b = Conv(a, dead[4, 4, 1, 1])
      c = Relu(b)
      y = Relu(a)
      return y
      """)
    let record = try run(EliminateDeadCodePass(), on: &model)
    #expect(listing(model) == ["a = Conv(x, w1)", "y = Relu(a)"])
    #expect(model.graph.initializers.map { model.name(of: $0.value) } == ["w1"])
    #expect(record.report.isModified)
    #expect(record.before.nodes == 4)
    #expect(record.after.nodes == 2)
  }

  @Test("a model without dead code is left alone")
  func nothing() throws {
    var model = try GraphText.model("x: float[1, 4]\ny = Relu(x)\nreturn y")
    #expect(try !run(EliminateDeadCodePass(), on: &model).report.isModified)
  }

  @Test("what only a body reads is used")
  func bodies() throws {
    var model = try GraphText.model(
      """
      c: bool[]
      x: float[1, 4]
      a = Relu(x)
      y = If(c)
      return y
      """)
    let inner = model.addValue(named: "inner")
    let a = try #require(model.graph.nodes[0].output(0))
    var body = Graph(name: "then", nodes: [Node(inputs: [a], outputs: [inner], opType: "Neg")])
    body.outputs = [ValueInfo(value: inner, type: nil)]
    model.graph.nodes[1].setAttribute("then_branch", .graph(body))
    #expect(try !run(EliminateDeadCodePass(), on: &model).report.isModified)
    #expect(model.graph.nodes.count == 2)
  }

  @Test("an initializer that is an input's default stays")
  func defaults() throws {
    var model = try GraphText.model("x: float[1, 4]\ny = Relu(x)\nz = Add(x, w[4])\nreturn y")
    let weight = model.graph.initializers[0].value
    model.graph.inputs.append(ValueInfo(value: weight, type: nil))
    _ = try run(EliminateDeadCodePass(), on: &model)
    #expect(model.graph.initializers.count == 1)
  }
}
