import IR
import Testing

@Suite struct NodeTests {
  @Test("the default domain has two spellings")
  func domains() {
    func domain(_ spelled: String?) -> String {
      Node(inputs: [], outputs: [], opType: "Op", domain: spelled).canonicalDomain
    }
    #expect(domain(nil) == "" && domain("") == "" && domain("ai.onnx") == "")
    #expect(domain("ai.onnx.ml") == "ai.onnx.ml")
    let model = Model(opsetImports: [OpsetImport(domain: "ai.onnx", version: 17)])
    #expect(model.opset("") == 17)
    #expect(model.opset("com.microsoft") == nil)
  }

  @Test("an attribute keeps its place when it is set anew")
  func attributes() {
    var node = Node(inputs: [nil], outputs: [], opType: "Op")
    node.setAttribute("a", .int(1))
    node.setAttribute("b", .ints([2]))
    node.setAttribute("a", .int(3))
    #expect(node.attributes.map(\.name) == ["a", "b"])
    #expect(node.int("a") == 3 && node.ints("b") == [2] && node.ints("a") == nil && node.int("c", default: 9) == 9)
    #expect(node.input(0) == nil && node.input(7) == nil && node.output(0) == nil)
  }

  @Test("values get identifiers that name them")
  func names() {
    var model = Model()
    let (first, second) = (model.addValue(named: "a"), model.addValue(named: "a"))
    #expect(first != second)
    #expect(model.name(of: first) == "a" && model.name(of: second) == "a")
  }
}
