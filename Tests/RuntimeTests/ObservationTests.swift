import IR
import TestSupport
import Testing

@testable import Runtime

/// Sessions show values while they run: each once, with its numbers, and compute the same as without.
@Suite("Observed values")
struct ObservationTests {
  private struct Shown {
    var times = 0
    var shape: [Int] = []
    var numbers: [Float] = []
  }

  private func value(_ name: String, of model: Model) throws -> ValueID {
    ValueID(try #require(model.valueNames.firstIndex(of: name)))
  }

  private func inputs(of model: Model) -> [String: Tensor] {
    model.graph.inputs.reduce(into: [:]) { inputs, info in
      let shape = (info.type?.tensor?.shape ?? []).map { size in
        if case .known(let number) = size.extent { Int(number) } else { 2 }
      }
      let numbers = (0..<shape.reduce(1, *)).map { Float(($0 * 37) % 29) / 7 - 2 }
      inputs[model.name(of: info.value)] = Tensor(floats: numbers, shape: shape)
    }
  }

  /// What a session shows of some values, by their names, and its outputs.
  private func observe(
    _ names: [String], of model: Model
  ) throws -> (shown: [String: Shown], outputs: [String: Tensor]) {
    let values = try names.map { try value($0, of: model) }
    let session = try Session(model, observing: Set(values))
    var shown: [String: Shown] = [:]
    let outputs = try session.run(inputs(of: model)) { value, found in
      shown[model.name(of: value), default: Shown()].times += 1
      shown[model.name(of: value)]?.shape = found.shape
      shown[model.name(of: value)]?.numbers = Array(found.floats)
    }
    return (shown, outputs)
  }

  private func areClose(_ found: [Float], _ expected: [Float]) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) }
  }

  /// Holds what is shown against a session of which the same values are outputs.
  private func expectShown(_ names: [String], _ text: String) throws {
    let model = try GraphText.model(text)
    var open = model
    let returned = Set(model.graph.outputs.map(\.value))
    for name in names {
      let value = try value(name, of: model)
      let isInput = model.graph.inputs.contains { $0.value == value }
      if !isInput, !returned.contains(value) { open.graph.outputs.append(ValueInfo(value: value, type: nil)) }
    }
    let given = inputs(of: model)
    let expected = try Session(open).run(given).merging(given) { $1 }
    let (shown, outputs) = try observe(names, of: model)
    #expect(shown.keys.sorted() == names.sorted())
    for (name, found) in shown {
      let tensor = try #require(expected[name])
      #expect(found.times == 1, "\(name)")
      #expect(found.shape == tensor.shape, "\(name)")
      #expect(areClose(found.numbers, tensor.floats() ?? []), "\(name)")
    }
    for (name, tensor) in try Session(model).run(given) {
      #expect(areClose(outputs[name]?.floats() ?? [], tensor.floats() ?? []), "\(name)")
    }
  }

  @Test("values that would be fused away are shown as they are")
  func fused() throws {
    try expectShown(
      ["c", "n", "r", "s"],
      """
      x: float[2, 3, 4, 4]
      c = Conv(x, w[8, 3, 1, 1], b[8])
      n = BatchNormalization(c, gamma[8]+, beta[8], mean[8], var[8]+)
      r = Relu(n)
      d = Conv(r, v[8, 8, 1, 1])
      s = Add(d, r)
      y = Relu(s)
      return y
      """)
  }

  @Test("of a product and what is added to it both are shown")
  func linear() throws {
    try expectShown(
      ["m", "s"], "x: float[4, 6]\nm = MatMul(x, w[6, 5])\ns = Add(m, b[5])\ny = Relu(s)\nreturn y")
  }

  @Test("inputs, outputs and views of either are shown")
  func views() throws {
    try expectShown(
      ["x", "f", "t", "g", "y"],
      """
      x: float[2, 3, 4]
      f = Reshape(x, a<2, 12>)
      t = Tanh(f)
      g = Reshape(t, b<4, 6>)
      y = MatMul(g, w[6, 2])
      return y
      """)
  }

  @Test("a value is shown before it is written over")
  func inPlace() throws {
    try expectShown(
      ["a", "b", "c"], "x: float[4, 6]\na = Abs(x)\nb = Exp(a)\nc = Neg(b)\ny = Tanh(c)\nreturn y")
  }

  @Test("constants, and what no output needs, are not shown")
  func constants() throws {
    let model = try GraphText.model(
      "x: float[2, 2]\nk = Abs(w[2, 2])\nu = Exp(x)\ny = MatMul(x, k)\nreturn y")
    #expect(try observe(["k", "u", "x"], of: model).shown.keys.sorted() == ["x"])
  }

  @Test("every run shows its own numbers")
  func runs() throws {
    let model = try GraphText.model("x: float[N, 2]\na = Abs(x)\ny = MatMul(a, w[2, 2])\nreturn y")
    let session = try Session(model, observing: [try value("a", of: model)])
    for numbers in [[-1, 2], [3, -4, 5, -6]] as [[Float]] {
      var found: [Float] = []
      try session.run(["x": Tensor(floats: numbers, shape: [numbers.count / 2, 2])]) { found += $1.floats }
      #expect(found == numbers.map(abs))
    }
  }
}
