import IR
import TestSupport
import Testing

@testable import Runtime

/// What bodies of control flow may return, and what is refused.
@Suite("Control flow that runs")
struct ControlFlowTests {
  private func info(_ model: Model, _ name: String) throws -> ValueInfo {
    let index = try #require(model.valueNames.firstIndex(of: name))
    return ValueInfo(value: ValueID(index), type: nil)
  }

  /// Moves the nodes named into a body of the last node of that operator.
  private func enclose(
    _ model: inout Model, _ attribute: String, of type: String, nodes: [String], inputs: [String] = [],
    outputs: [String]
  ) throws {
    let moved = model.graph.nodes.filter { nodes.contains($0.name ?? "") }
    model.graph.nodes.removeAll { nodes.contains($0.name ?? "") }
    let body = Graph(
      name: attribute, nodes: moved, inputs: try inputs.map { try info(model, $0) },
      outputs: try outputs.map { try info(model, $0) })
    let holder = try #require(model.graph.nodes.lastIndex { $0.opType == type })
    model.graph.nodes[holder].setAttribute(attribute, .graph(body))
  }

  private func floats(_ tensor: Tensor?) -> [Float] {
    tensor?.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
  }

  private func truth(_ value: Bool) -> Tensor {
    Tensor(dataType: .bool, shape: [], storage: .bytes(ByteRegion(copying: [value ? 1 : 0] as [UInt8])))
  }

  /// An `If` whose branches are the nodes `a` and `b`.
  private func conditional(_ a: String, _ b: String, arguments: String = "c") throws -> Model {
    var model = try GraphText.model(
      "x: float[4000]\nc: bool[]\na = \(a)\nb = \(b)\ny = If(\(arguments))\nz = Neg(y)\nreturn y, z")
    try enclose(&model, "then_branch", of: "If", nodes: ["a"], outputs: ["a"])
    try enclose(&model, "else_branch", of: "If", nodes: ["b"], outputs: ["b"])
    return model
  }

  private func message(_ model: Model, _ inputs: [String: Tensor]) -> String {
    do throws(RuntimeError) {
      _ = try Session(model, options: RuntimeOptions(workers: .one)).run(inputs)
      return ""
    } catch {
      return error.description
    }
  }

  @Test("branches of different types are refused by name")
  func branchTypes() throws {
    let model = try conditional("Neg(x)", "Cast(x) { to: 11 }")
    for choice in [true, false] {
      let message = message(
        model, ["x": Tensor(floats: .init(repeating: 1, count: 4000), shape: [4000]), "c": truth(choice)])
      #expect(message.contains("node y: If"))
      #expect(message.contains("float in one branch and double in the other"))
    }
  }

  @Test("a loop whose state changes its type is refused by name")
  func stateTypes() throws {
    var model = try GraphText.model(
      """
      x: float[4000]
      i, k, s = Placeholder()
      d = Cast(s) { to: 11 }
      n = Identity(k)
      y = Loop(t<2>, _, x)
      return y
      """)
    model.graph.nodes.removeFirst()
    try enclose(&model, "body", of: "Loop", nodes: ["d", "n"], inputs: ["i", "k", "s"], outputs: ["n", "d"])
    let message = message(model, ["x": Tensor(floats: .init(repeating: 1, count: 4000), shape: [4000])])
    #expect(message.contains("node y: Loop"))
    #expect(message.contains("takes state 0 as float and returns double"))
  }

  @Test("an If without a condition is an error")
  func noCondition() throws {
    let model = try conditional("Neg(x)", "Abs(x)", arguments: "")
    #expect(
      message(model, ["x": Tensor(floats: .init(repeating: 1, count: 4000), shape: [4000]), "c": truth(true)])
        .contains("node y: If"))
  }

  @Test("a scan that returns fewer states than it takes is an error")
  func fewStates() throws {
    var model = try GraphText.model(
      """
      x: float[3, 2]
      s, e = Placeholder()
      r = Placeholder()
      last = Scan(h[2], h, x) { num_scan_inputs: 1 }
      return last
      """)
    model.graph.nodes.removeFirst(2)
    try enclose(&model, "body", of: "Scan", nodes: [], inputs: ["s", "r", "e"], outputs: ["s"])
    #expect(!message(model, ["x": Tensor(floats: .init(repeating: 1, count: 6), shape: [3, 2])]).isEmpty)
  }

  @Test("a reshaped weight that a branch reads has the shape it was given", arguments: [true, false])
  func capturedView(isTrained: Bool) throws {
    var model = try GraphText.model(
      """
      x: float[2, 4]
      c: bool[]
      v = Reshape(w[32], s<4, 8>)
      a = MatMul(x, v)
      n = MatMul(x, v)
      b = Neg(n)
      y = If(c)
      u = Mul(v, p[4, 8])
      l = ReduceSum(u) { keepdims: 0 }
      return y, l
      """)
    try enclose(&model, "then_branch", of: "If", nodes: ["a"], outputs: ["a"])
    try enclose(&model, "else_branch", of: "If", nodes: ["n", "b"], outputs: ["b"])
    let x = Tensor(floats: [1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 4])
    let outputs = try Session(model).run(["x": x, "c": truth(true)])
    #expect(outputs["y"]?.shape == [2, 8])
    guard isTrained else { return }
    let parameters = try Parameters(of: model)
    let (y, l) = (try info(model, "y").value, try info(model, "l").value)
    let program = try TrainingProgram(
      model, minimizing: .loss(l), parameters: parameters, inputShapes: ["x": [2, 4], "c": []], outputs: [y])
    let result = try program.run(["x": x, "c": truth(true)])
    #expect(floats(result.outputs[0]) == floats(outputs["y"]))
  }

  @Test("a loop whose state grows computes with every shape it meets")
  func growing() throws {
    var model = try GraphText.model(
      """
      x: float[1, 2]
      i, k, s = Placeholder()
      d = Concat(s, row[1, 2]) { axis: 0 }
      n = Identity(k)
      y = Loop(t<40>, _, x)
      return y
      """)
    model.graph.nodes.removeFirst()
    try enclose(&model, "body", of: "Loop", nodes: ["d", "n"], inputs: ["i", "k", "s"], outputs: ["n", "d"])
    let session = try Session(model)
    for _ in 0..<2 {
      let result = try session.run(["x": Tensor(floats: [1, 2], shape: [1, 2])])["y"]
      #expect(result?.shape == [41, 2])
      #expect(floats(result).prefix(2) == [1, 2])
      #expect(Set(floats(result).dropFirst(2)).count == 2)
    }
  }
}
