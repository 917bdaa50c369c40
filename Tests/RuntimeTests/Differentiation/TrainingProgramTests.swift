import IR
import TestSupport
import Testing

@testable import Runtime

/// Where gradients are, and what is refused instead of losing one.
@Suite("Training programs")
struct TrainingProgramTests {
  private func program(
    _ model: Model, minimizing objective: TrainingProgram.Objective? = nil, shapes: [String: [Int]] = [:]
  ) throws -> (program: TrainingProgram, parameters: Parameters) {
    let parameters = try Parameters(of: model)
    let outputs = model.graph.outputs.map(\.value)
    return (
      try TrainingProgram(
        model, minimizing: objective ?? .outside(outputs), parameters: parameters, inputShapes: shapes), parameters
    )
  }

  private func gradient(_ program: TrainingProgram, _ parameter: Parameter) -> [Float] {
    program.withGradient(of: parameter) { Array($0) }
  }

  @Test("what is computed of a weight follows it")
  func followsWeights() throws {
    var model = try GraphText.model(
      """
      x: float[2]
      c = Greater(w[2], bound[2])
      y = Where(c, x, w)
      return y
      """)
    for index in model.graph.initializers.indices {
      let isWeight = model.name(of: model.graph.initializers[index].value) == "w"
      model.graph.initializers[index].tensor = Tensor(floats: isWeight ? [1, 1] : [0, 0], shape: [2])
    }
    let (program, parameters) = try program(model, shapes: ["x": [2]])
    let x = Tensor(floats: [5, 6], shape: [2])
    #expect(try program.forward(["x": x]).first?.numbers == [5, 6])
    let weight = try #require(parameters.trained.first { $0.name == "w" })
    parameters.withValues(of: weight) { $0[0] = -1 }
    #expect(try program.forward(["x": x]).first?.numbers == [-1, 6])
  }

  // MARK: Bodies

  /// `x·W1`, Relu or Tanh of it in the branches of an `If`, `·W2`.
  private func branching() throws -> Model {
    var model = try GraphText.model(
      """
      x: float[2, 3]
      c: bool[1]
      h = MatMul(x, W1[3, 4])
      b = Identity(c)
      y = MatMul(b, W2[4, 2])
      return y
      """)
    let (condition, hidden) = (model.graph.inputs[1].value, try #require(model.graph.nodes[0].output(0)))
    func branch(_ opType: String) -> AttributeValue {
      let result = model.addValue(named: "\(opType) branch")
      var body = Graph()
      body.nodes = [Node(inputs: [hidden], outputs: [result], opType: opType)]
      body.outputs = [ValueInfo(value: result, type: nil)]
      return .graph(body)
    }
    model.graph.nodes[1].opType = "If"
    model.graph.nodes[1].inputs = [condition]
    model.graph.nodes[1].attributes = [
      Attribute(name: "then_branch", value: branch("Relu")), Attribute(name: "else_branch", value: branch("Tanh")),
    ]
    return model
  }

  @Test("a gradient that would be lost in a body is refused by name")
  func bodies() throws {
    let model = try branching()
    let error = #expect(throws: RuntimeError.self) { try program(model, shapes: ["x": [2, 3], "c": [1]]) }
    #expect(error?.description.contains("If has no gradient") == true)
  }

  @Test("what comes after a body is trained")
  func afterBodies() throws {
    let model = try branching()
    let parameters = try Parameters(of: model) { $0 == "W2" }
    _ = try TrainingProgram(
      model, minimizing: .outside(model.graph.outputs.map(\.value)), parameters: parameters,
      inputShapes: ["x": [2, 3], "c": [1]])
  }

  // MARK: Memory of gradients

  @Test("a gradient that is the seed is in memory of its own, and so is that of each parameter")
  func seeds() throws {
    let model = try GraphText.model("x: float[2, 3]\na = Add(x, w[2, 3])\ny = Add(a, v[2, 3])\nreturn y")
    let (program, parameters) = try program(model, shapes: ["x": [2, 3]])
    let (x, ones) = (Tensor(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3]), [Float](repeating: 1, count: 6))
    let seed = Tensor(floats: ones, shape: [2, 3])
    _ = try program.forward(["x": x])
    try program.backward(from: [seed])
    program.withGradient(of: parameters.trained[0]) { $0.update(repeating: 7) }
    #expect(gradient(program, parameters.trained[1]) == ones)
    #expect(seed.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == ones)
  }

  @Test("a view of the seed is copied too")
  func views() throws {
    let model = try GraphText.model("x: float[2, 3]\na = Add(x, w[2, 3])\ny = Reshape(a, s<3, 2>)\nreturn y")
    let (program, parameters) = try program(model, shapes: ["x": [2, 3]])
    let numbers: [Float] = [1, 2, 3, 4, 5, 6]
    let seed = Tensor(floats: numbers, shape: [3, 2])
    _ = try program.forward(["x": Tensor(floats: numbers, shape: [2, 3])])
    try program.backward(from: [seed])
    program.withGradient(of: parameters.trained[0]) { $0[0] = 9 }
    #expect(gradient(program, parameters.trained[0]) == [9, 2, 3, 4, 5, 6])
    #expect(seed.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } == numbers)
  }

  @Test("a constant gradient may be changed, and is there anew after the next run")
  func constants() throws {
    let model = try GraphText.model("y = Add(w[2, 3], v[2, 3])\nreturn y")
    let (program, parameters) = try program(model, minimizing: .loss(model.graph.outputs[0].value))
    let ones = [Float](repeating: 1, count: 6)
    for _ in 0..<2 {
      try program.run([:])
      #expect(gradient(program, parameters.trained[0]) == ones)
      #expect(gradient(program, parameters.trained[1]) == ones)
      program.withGradient(of: parameters.trained[0]) { $0.update(repeating: 3) }
      #expect(gradient(program, parameters.trained[1]) == ones)
    }
  }

  @Test("backward needs a forward run of its own")
  func order() throws {
    let model = try GraphText.model("x: float[2, 3]\ny = Mul(x, w[2, 3])\nreturn y")
    let (program, parameters) = try program(model, shapes: ["x": [2, 3]])
    let seed = Tensor(floats: [Float](repeating: 1, count: 6), shape: [2, 3])
    #expect(throws: RuntimeError.self) { try program.backward(from: [seed]) }
    let x = Tensor(floats: [1, 2, 3, 4, 5, 6], shape: [2, 3])
    _ = try program.forward(["x": x])
    #expect(gradient(program, parameters.trained[0]).isEmpty)
    // What does not fit changes nothing.
    #expect(throws: RuntimeError.self) { try program.backward(from: [Tensor(floats: [1], shape: [1])]) }
    try program.backward(from: [seed])
    #expect(gradient(program, parameters.trained[0]) == [1, 2, 3, 4, 5, 6])
    #expect(throws: RuntimeError.self) { try program.backward(from: [seed]) }
    _ = try program.forward(["x": x])
    try program.backward(from: [seed])
    #expect(gradient(program, parameters.trained[0]) == [1, 2, 3, 4, 5, 6])
  }

  // MARK: Dropout

  /// The output of a dropout whose ratio is 0.75, in the first steps.
  private func masks(_ ratio: String) throws -> [[Float]] {
    let model = try GraphText.model(
      "x: float[64]\nm = Mul(x, w[64]+)\n\(ratio)\ny = Dropout(m, r)\nreturn y")
    let (program, _) = try program(model, shapes: ["x": [64]])
    return try (0..<2).map { step in
      let outputs = try program.forward(
        ["x": Tensor(floats: [Float](repeating: 1, count: 64), shape: [64])], step: step)
      return outputs[0].contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
    }
  }

  @Test(
    "dropout drops, whatever spells its ratio",
    arguments: [
      "r = Constant() { value_float: 0.75 }", "c = Constant() { value_float: 0.75 }\nr = Identity(c)",
      "c = Constant() { value_float: 0.75 }\nr = Cast(c) { to: 1 }",
    ])
  func dropoutRatios(_ ratio: String) throws {
    let masks = try masks(ratio)
    let dropped = masks[0].filter { $0 == 0 }.count
    #expect((32..<64).contains(dropped), "\(dropped) of 64 are dropped")
    #expect(masks[0] != masks[1])
  }

  @Test("dropout of a ratio nobody knows is refused by name")
  func unknownDropout() throws {
    let error = #expect(throws: RuntimeError.self) {
      try masks("l = ReduceMax(m)\nz = Sub(l, l)\nr = Sigmoid(z)")
    }
    #expect(error?.description.hasPrefix("node y (Dropout)") == true)
  }

  // MARK: Half precision

  @Test("gradients are not rounded by casts to half precision and back")
  func casts() throws {
    let model = try GraphText.model(
      """
      x: float[2, 3]
      h = Cast(w[3, 4]) { to: 10 }
      f = Cast(h) { to: 1 }
      y = MatMul(x, f)
      return y
      """)
    let (program, parameters) = try program(model, shapes: ["x": [2, 3]])
    let x: [Float] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    _ = try program.forward(["x": Tensor(floats: x, shape: [2, 3])])
    try program.backward(from: [Tensor(floats: [Float](repeating: 1.0 / 3, count: 8), shape: [2, 4])])
    let found = gradient(program, parameters.trained[0])
    for row in 0..<3 {
      let expected = (x[row] + x[row + 3]) / 3
      #expect(abs(found[row * 4] - expected) < 1e-6)
    }
  }
}
