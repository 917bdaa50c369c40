import DataSources
import IR
import Runtime
import TestSupport
import Testing
import Training

/// Loops of one's own.
@Suite("TrainableModel")
struct TrainableModelTests {
  private static let text =
    "x: float[N, 2]\nh = Gemm(x, w[2, 4], b[4])\nr = Relu(h)\ny = Gemm(r, v[4, 3], a[3])\nreturn y"

  private func student(_ rule: any UpdateRule = SGD()) throws -> TrainableModel {
    try TrainableModel(try GraphText.model(Self.text), rule: rule)
  }

  private let x = Tensor(floats: [0.5, -1, 2, 0.25, -0.5, 1], shape: [3, 2])
  private let label = Tensor(int64s: [0, 2, 1])

  private func gradients(_ student: TrainableModel) -> [[Float]] {
    student.parameters.trained.map { student.withGradient(of: $0) { Array($0) } }
  }

  @Test("gradients of a loss given from outside are those of the same loss built in")
  func sameGradients() throws {
    let targets: [Float] = [1, 0, 0, 0, 0, 1, 0, 1, 0]
    let student = try student()
    let loss = try student.backward(
      .meanSquaredError, ["x": x, "label": Tensor(floats: targets, shape: [3, 3])])
    let builtIn = gradients(student)
    let outputs = try #require(try student.forward(["x": x])["y"]?.floats())
    let differences = zip(outputs, targets).map { $0 - $1 }
    try student.backward(from: ["y": Tensor(floats: differences.map { 2 * $0 / 9 }, shape: [3, 3])])

    #expect(abs(loss - Double(differences.map { $0 * $0 }.reduce(0, +)) / 9) < 1e-5)
    for (own, expected) in zip(gradients(student), builtIn) {
      #expect(own.count == expected.count)
      #expect(zip(own, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  @Test("steps lower the loss, on batches of several sizes")
  func learns() throws {
    let student = try student(Adam())
    let small = ["x": Tensor(floats: [0.5, -1], shape: [1, 2]), "label": Tensor(int64s: [0])]
    let first = try student.backward(.crossEntropy, ["x": x, "label": label])
    for step in 0..<60 {
      _ = try student.backward(.crossEntropy, step % 2 == 0 ? small : ["x": x, "label": label])
      student.step(rate: 0.05, largestNorm: 10)
    }
    #expect(student.steps == 60)
    let last = try student.backward(.crossEntropy, ["x": x, "label": label])
    #expect(last < first / 2)
  }

  @Test("a step by accumulated gradients takes their mean")
  func accumulates() throws {
    let batch = ["x": x, "label": label]
    let (twice, once) = (try student(), try student())
    for _ in 0..<2 {
      _ = try twice.backward(.crossEntropy, batch)
      twice.accumulate()
    }
    twice.step(rate: 0.1)
    _ = try once.backward(.crossEntropy, batch)
    once.step(rate: 0.1)
    let bytes = [twice, once].map { student in
      student.trainedModel().graph.initializers.map { $0.tensor.floats() ?? [] }
    }
    #expect(bytes[0] == bytes[1])
  }

  @Test("what was accumulated is stepped by though forward has run since, or forgotten")
  func accumulatedBeforeForward() throws {
    let batch = ["x": x, "label": label]
    let (student, once) = (try student(), try student())
    _ = try student.backward(.crossEntropy, batch)
    student.accumulate()
    _ = try student.forward(["x": x])
    student.step(rate: 0.1)
    #expect(student.steps == 1)
    _ = try once.backward(.crossEntropy, batch)
    once.step(rate: 0.1)
    let values = [student, once].map { $0.trainedModel().graph.initializers.map { $0.tensor.floats() ?? [] } }
    #expect(values[0] == values[1])
    _ = try student.backward(.crossEntropy, batch)
    student.accumulate()
    student.discardAccumulated()
    _ = try student.forward(["x": x])
    #expect(student.step(rate: 0.1) == nil)
    #expect(student.steps == 1)
  }

  @Test("only parameters that are asked for change")
  func partly() throws {
    let model = try GraphText.model(Self.text)
    let student = try TrainableModel(model, rule: SGD()) { $0 == "v" }
    _ = try student.backward(.crossEntropy, ["x": x, "label": label])
    student.step(rate: 0.1)
    let changed = zip(model.graph.initializers, student.trainedModel().graph.initializers)
      .filter { $0.tensor.floats() != $1.tensor.floats() }
    #expect(changed.map { model.name(of: $0.0.value) } == ["v"])
  }

  @Test("nothing is stepped by gradients that are not there")
  func noGradients() throws {
    let student = try student()
    _ = try student.forward(["x": x])
    #expect(student.step(rate: 0.1) == nil)
    #expect(student.steps == 0)
    #expect(gradients(student).flatMap(\.self).isEmpty)
  }

  @Test("mistakes are told, not guessed around")
  func mistakes() throws {
    let student = try student()
    let gradient = Tensor(floats: [Float](repeating: 1, count: 9), shape: [3, 3])
    #expect(throws: TrainingError.self) { try student.backward(from: ["y": gradient]) }
    _ = try student.forward(["x": x])
    #expect(throws: TrainingError.self) { try student.backward(from: ["z": gradient]) }
    #expect(throws: TrainingError.self) { try student.backward(from: ["y": x]) }
    #expect(throws: TrainingError.self) { try student.forward(["z": x]) }
    #expect(throws: TrainingError.self) { try student.backward(.crossEntropy, ["x": x]) }
    #expect(throws: TrainingError.self) {
      try student.backward(.crossEntropy, ["x": x, "label": Tensor(int64s: [0, 3, 1])])
    }
    #expect(throws: TrainingError.self) {
      try student.backward(Loss(.crossEntropy(), distillation: .init()), ["x": x, "label": label])
    }
    #expect(throws: TrainingError.self) {
      try TrainableModel(try GraphText.model(Self.text), rule: SGD()) { _ in false }
    }
  }
}
