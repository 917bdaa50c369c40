import IR
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// Running stage by stage, and what is remembered between stages.
@Suite("Staged execution")
struct StagedExecutionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// Of one sample.
    let shape: [Int]
    /// Events of each stage, by what they make.
    let stages: [[String]]
  }

  static let cases: [Case] = [
    Case(
      testDescription: "residual",
      text: """
        x: float[N, 3, 6, 6]
        s = Conv(x, a[4, 3, 3, 3]) { pads: [1, 1, 1, 1] }
        r = Relu(s)
        h = Conv(r, b[4, 4, 3, 3]) { pads: [1, 1, 1, 1] }
        t = Add(s, h)
        u = Relu(t)
        y = Conv(u, c[2, 4, 1, 1])
        return y
        """, shape: [3, 6, 6], stages: [[], ["s"], ["h"], ["y"]]),
    Case(
      testDescription: "two branches of different length",
      text: """
        x: float[N, 6]
        p = Gemm(x, a[6, 4])
        v = Relu(p)
        q = Gemm(x, b[6, 5])
        w = Sigmoid(q)
        m = Gemm(w, c[5, 3])
        j = Concat(v, m) { axis: 1 }
        y = Gemm(j, d[7, 2])
        z = Gemm(v, e[4, 2])
        return y, z
        """, shape: [6], stages: [[], ["p", "q"], ["m", "z"], ["y"]]),
    Case(
      testDescription: "a value used many stages later",
      text: """
        x: float[N, 4]
        h = MatMul(x, a[4, 4])
        i = MatMul(h, b[4, 4])
        j = MatMul(i, c[4, 4])
        k = MatMul(j, d[4, 4])
        s = Add(h, k)
        t = Add(s, x)
        y = MatMul(t, e[4, 2])
        return y
        """, shape: [4], stages: [[], ["h"], ["i"], ["j"], ["k"], ["y"]]),
    Case(
      testDescription: "a constant subgraph",
      text: """
        x: float[N, 4]
        f = Abs(k[4, 4])
        g = Sqrt(f)
        h = MatMul(x, a[4, 4])
        m = MatMul(h, g)
        n = Add(m, !o[4])
        y = MatMul(n, b[4, 2])
        return y
        """, shape: [4], stages: [[], ["h"], ["m"], ["y"]]),
    Case(
      testDescription: "a shape that feeds a reshaping of a later stage",
      text: """
        x: float[N, 2, 6]
        h = MatMul(x, a[6, 6])
        s = Shape(h)
        m = MatMul(h, b[6, 6])
        f = Reshape(m, flat<-1, 12>)
        r = Relu(f)
        z = Reshape(r, s)
        y = MatMul(z, c[6, 3])
        return y
        """, shape: [2, 6], stages: [[], ["h"], ["m"], ["y"]]),
  ]

  /// Batches of three, two and three samples.
  private func batches(_ shape: [Int]) -> [[String: Tensor]] {
    var numbers = Numbers(seed: 1)
    return [3, 2, 3].map { ["x": numbers.tensor([$0] + shape)] }
  }

  private func execution(
    _ model: Model, events: [String], _ batches: [[String: Tensor]], memoryBudget: Int = .max
  ) throws -> StagedExecution {
    try StagedExecution(
      model, events: Set(try events.map { try model.value($0) }), batchCount: batches.count, memoryBudget: memoryBudget,
      options: RuntimeOptions(workers: .one)
    ) { batches[$0] }
  }

  private func expectEqual(_ found: Tensor?, _ expected: Tensor?, _ name: String) {
    #expect(found?.shape == expected?.shape)
    let error = relativeError(found?.doubles() ?? [], expected?.doubles() ?? [0])
    #expect(error <= 1e-5, "\(name) differs by \(error)")
  }

  /// Everything that is there is what one run of the whole model is given or makes.
  /// - Returns: the names of what is there, for each batch.
  private func expectStoredEqualOneRun(
    _ staged: StagedExecution, _ model: Model, _ batches: [[String: Tensor]]
  ) throws -> [[String]] {
    let made = model.graph.nodes.compactMap { node in node.output(0).map { model.name(of: $0) } }
    return try batches.enumerated().map { batch, inputs -> [String] in
      let x = try #require(inputs["x"])
      var whole = try model.run(x, showing: made)
      whole["x"] = x
      var compared: [String] = []
      for name in ["x"] + made {
        guard let found = staged.value(try model.value(name), batch: batch) else { continue }
        expectEqual(found, whole[name], name)
        compared.append(name)
      }
      return compared
    }
  }

  @Test("the stages are where the events depend on as many before them", arguments: cases)
  func stages(example: Case) throws {
    let model = try GraphText.model(example.text)
    let batches = batches(example.shape)
    let staged = try execution(model, events: example.stages.flatMap { $0 }, batches)
    #expect(staged.stageCount == example.stages.count && staged.batchCount == batches.count)
    let events = staged.events.map { $0.map { model.name(of: $0) }.sorted() }
    #expect(events == example.stages)
  }

  @Test(
    "what is stored for later stages is what one run of the whole model makes, in memory or in a file",
    arguments: cases, [Int.max, 500, 0])
  func equalsOneRun(example: Case, memoryBudget: Int) throws {
    let model = try GraphText.model(example.text)
    let batches = batches(example.shape)
    var staged = try execution(
      model, events: example.stages.flatMap { $0 }, batches, memoryBudget: memoryBudget)
    for stage in example.stages.indices {
      try staged.run(stage, of: model)
      let compared = try expectStoredEqualOneRun(staged, model, batches)
      // Nothing is left for later only behind the last stage.
      let isLast = stage == example.stages.count - 1
      #expect(compared.count == batches.count && compared.allSatisfy { $0.isEmpty == isLast }, "stage \(stage)")
    }
  }

  @Test(
    "before each stage what its events read is there, and is what it is in one run, in whatever order nodes stand",
    arguments: cases, [false, true])
  func inputsAreThere(example: Case, isReversed: Bool) throws {
    var model = try GraphText.model(example.text)
    if isReversed { model.graph.nodes.reverse() }
    let batches = batches(example.shape)
    var staged = try execution(model, events: example.stages.flatMap { $0 }, batches)
    for (stage, own) in example.stages.enumerated() {
      for event in own {
        let read = try #require(model.graph.nodes[try model.node(making: event)].input(0))
        let name = model.name(of: read)
        for (batch, inputs) in batches.enumerated() {
          let x = try #require(inputs["x"])
          let expected = try name == "x" ? x : model.run(x, showing: [name])[name]
          expectEqual(staged.value(read, batch: batch), expected, name)
        }
      }
      try staged.run(stage, of: model)
    }
  }

  @Test("what no later stage reads is forgotten, and what one reads is not")
  func forgetting() throws {
    let example = Self.cases[2]
    let model = try GraphText.model(example.text)
    var staged = try execution(model, events: example.stages.flatMap { $0 }, batches(example.shape))
    // After each stage, from stage 0 on.
    let expected = [["x"], ["x", "h"], ["x", "h", "i"], ["x", "h", "j"], ["t"], []]
    for (stage, names) in expected.enumerated() {
      try staged.run(stage, of: model)
      for name in ["x", "h", "i", "j", "k", "s", "t", "y"] {
        for batch in 0..<staged.batchCount {
          let isThere = staged.value(try model.value(name), batch: batch) != nil
          #expect(isThere == names.contains(name), "\(name) after stage \(stage)")
        }
      }
    }
  }

  @Test("an input that only the first stage reads is forgotten with it")
  func forgettingInputs() throws {
    let model = try GraphText.model(
      "x: float[N, 4]\nr = Relu(x)\nh = MatMul(r, a[4, 3])\ny = MatMul(h, b[3, 2])\nreturn y")
    var staged = try execution(model, events: ["h", "y"], batches([4]))
    func known() throws -> [String] {
      try ["x", "r", "h", "y"].filter { staged.value(try model.value($0), batch: 0) != nil }
    }
    #expect(try known() == ["x"])
    try staged.run(0, of: model)
    #expect(try known() == ["r"])
    try staged.run(1, of: model)
    #expect(try known() == ["h"])
    try staged.run(2, of: model)
    #expect(try known() == [])
  }

  @Test("a weight that changes between two stages counts from there on")
  func changingWeights() throws {
    let example = Self.cases[2]
    var model = try GraphText.model(example.text)
    let batches = batches(example.shape)
    var staged = try execution(model, events: example.stages.flatMap { $0 }, batches)
    try staged.run(0, of: model)
    try staged.run(1, of: model)
    var numbers = Numbers(seed: 2)
    // Each stage with its weight and what it leaves for later ones, which is made of all changes up to it.
    for (stage, weight, name) in [(2, "b", "i"), (3, "c", "j"), (4, "d", "t")] {
      try model.fill(weight, numbers.floats(16))
      try staged.run(stage, of: model)
      for (batch, inputs) in batches.enumerated() {
        let x = try #require(inputs["x"])
        expectEqual(staged.value(try model.value(name), batch: batch), try model.run(x, showing: [name])[name], name)
      }
    }
  }
}
