import IR
import TestSupport
import Testing

@testable import Runtime

/// Functions a model brings along run as if their bodies stood where they are called.
@Suite("Functions of a model")
struct FunctionTests {
  private func body(_ text: String, defaults: [Attribute] = [], opset: Int64 = 17) throws -> FunctionBody {
    var model = try GraphText.model(text, opset: opset)
    model.opsetImports.removeLast()
    return FunctionBody(model: model, defaults: defaults)
  }

  private func function(_ name: String, _ body: FunctionBody) -> FunctionDefinition {
    FunctionDefinition(name: name, domain: "own", message: [], body: body)
  }

  private func run(_ text: String, _ functions: [FunctionDefinition]) throws -> [Float] {
    var model = try GraphText.model("x: float[4]\n" + text)
    model.functions = functions
    let region = [Float(-2), -1, 1, 2].withUnsafeBytes { ByteRegion(copying: $0) }
    let outputs = try Session(model).run([
      "x": Tensor(dataType: .float, shape: [4], storage: .bytes(region))
    ])
    let name = model.name(of: model.graph.outputs[0].value)
    return outputs[name]?.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
  }

  @Test("a call becomes the function's nodes, each time with values of its own")
  func calls() throws {
    let twice = function("Twice", try body("a: float[4]\nb = Relu(a)\nc = Add(b, a)\nreturn c"))
    #expect(try run("m = own:Twice(x)\ny = own:Twice(m)\nreturn y", [twice]) == [-2, -1, 4, 8])
  }

  @Test("an attribute follows the call, or the function's default")
  func attributes() throws {
    var slope = try body("a: float[4]\nc = LeakyRelu(a)\nreturn c")
    slope.model.graph.nodes[0].attributes = [Attribute(name: "alpha", value: .float(0), reference: "slope")]
    slope.defaults = [Attribute(name: "slope", value: .float(0.5))]
    let leaky = function("Leaky", slope)
    #expect(try run("y = own:Leaky(x)\nreturn y", [leaky]) == [-1, -0.5, 1, 2])
    #expect(try run("y = own:Leaky(x) { slope: 0.25 }\nreturn y", [leaky]) == [-0.5, -0.25, 1, 2])
  }

  @Test("functions call functions, leave inputs out and hand inputs through")
  func nesting() throws {
    let inner = function("Inner", try body("a: float[4]\nl: float[1]\nc = Clip(a, l)\nreturn c, a"))
    let outer = function("Outer", try body("a: float[4]\nc, d = own:Inner(a)\ne = Sub(c, d)\nreturn e"))
    #expect(try run("y = own:Outer(x)\nreturn y", [inner, outer]) == [0, 0, 0, 0])
  }

  @Test("what has no end, or another meaning, is refused")
  func refused() throws {
    let endless = function("Endless", try body("a: float[4]\nc = own:Endless(a)\nreturn c"))
    #expect(throws: RuntimeError.self) { try run("y = own:Endless(x)\nreturn y", [endless]) }
    let bombs = try (0..<31).map { level in
      function("F\(level)", try body("a: float[4]\nb = own:F\(level + 1)(a)\nc = own:F\(level + 1)(b)\nreturn c"))
    }
    #expect(throws: RuntimeError.self) { try run("y = own:F0(x)\nreturn y", bombs) }
    let newer = function("Newer", try body("a: float[4]\nc = Relu(a)\nreturn c", opset: 18))
    #expect(throws: RuntimeError.self) { try run("y = own:Newer(x)\nreturn y", [newer]) }
    #expect(throws: RuntimeError.self) {
      try run("y = own:Lost(x)\nreturn y", [FunctionDefinition(name: "Lost", domain: "own", message: [])])
    }
  }

  @Test("nodes of branches count towards what a function may spell out to")
  func branchesCount() throws {
    var large = try GraphText.model("a: float[4]\nk = Cast(a) { to: 9 }\nn = Neg(a)\ny = If(k)\nreturn y")
    large.opsetImports.removeLast()
    let node = large.graph.nodes.remove(at: 1)
    let branch = Graph(
      name: "branch", nodes: Array(repeating: node, count: 1 << 18),
      outputs: [ValueInfo(value: try #require(node.output(0)), type: nil)])
    for name in ["then_branch", "else_branch"] { large.graph.nodes[1].setAttribute(name, .graph(branch)) }
    let error = try #require(throws: RuntimeError.self) {
      try run("y = own:Large(x)\nreturn y", [function("Large", FunctionBody(model: large))])
    }
    #expect(error.description.contains("spell out to more than"))
  }
}
