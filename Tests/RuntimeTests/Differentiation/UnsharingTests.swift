import IR
import TestSupport
import Testing

@testable import Runtime

@Suite("Parameters that an exporter merged")
struct UnsharingTests {
  @Test("an Identity of a vector becomes a parameter of its own, of the name it has")
  func identities() throws {
    let model = try GraphText.model(
      """
      x: float[2, 3]
      second = Identity(first[3])
      a = Add(x, first)
      y = Mul(a, second)
      return y
      """
    ).unsharingVectors()
    #expect(model.graph.nodes.map(\.opType) == ["Add", "Mul"])
    #expect(model.graph.initializers.map { model.name(of: $0.value) } == ["first", "second"])
  }

  @Test("every use of a shared vector gets a copy, matrices stay shared")
  func uses() throws {
    let model = try GraphText.model(
      """
      x: float[3, 3]
      a = Add(x, v[3])
      b = Add(a, v)
      c = MatMul(b, w[3, 3])
      y = MatMul(c, w)
      return y
      """
    ).unsharingVectors()
    #expect(model.graph.nodes[0].inputs[1] != model.graph.nodes[1].inputs[1])
    #expect(model.graph.nodes[2].inputs[1] == model.graph.nodes[3].inputs[1])
    #expect(model.graph.initializers.count == 3)
  }
}
