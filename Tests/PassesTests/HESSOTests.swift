import DataSources
import IR
import Passes
import Pruning
import SparseTraining
import TestSupport
import Testing
import Training

@Suite("hesso")
struct HESSOTests {
  private static let perceptron =
    "x: float[N, 4]\nh = Gemm(x, a[4, 8], c[8])\nr = Relu(h)\ny = Gemm(r, b[8, 2], d[2])\nreturn y"

  private func data(isLabelled: Bool = true) throws -> any Dataset {
    let numbers = (0..<64).map { Float(($0 * 37) % 29) / 14 - 1 }
    let x = Tensor(name: "x", floats: numbers, shape: [16, 4])
    let label = Tensor(name: "label", int64s: numbers.indices.prefix(16).map { Int64($0 % 2) })
    let arrays = [x] + (isLabelled ? [label] : [])
    return try ArrayDataset(
      arrays.map { StoredArray(field: $0.name ?? "", source: $0.name ?? "", tensor: $0) }, source: "d.npz")
  }

  private func settings(teacherShare: Float? = nil, steps: Int = 20) -> TrainingSettings {
    var loss = Loss.crossEntropy
    loss.distillation = teacherShare.map { Loss.Distillation(share: $0) }
    return TrainingSettings(loss: loss, rule: SGD(), learningRate: 0.05, batch: 8, duration: .steps(steps))
  }

  @Test("channels are trained away, with labels or after the model itself", arguments: [true, false])
  func trains(isLabelled: Bool) throws {
    var model = try GraphText.model(Self.perceptron)
    let data = try data(isLabelled: isLabelled)
    let pass = HESSOPass(.groupSparsity(0.5), training: settings(teacherShare: isLabelled ? nil : 1)) { _ in data }
    let record = try run(pass, on: &model)
    #expect(record.report.isModified)
    #expect(statistic("steps", of: record) == "20")
    #expect(statistic("sparsity", of: record) == "0.5")
    #expect(model.graph.initializers.map(\.tensor.shape) == [[4, 4], [4], [4, 2], [2]])
  }

  @Test("the course has at most fifty points, ends at the last step, and sparsity never falls", arguments: [20, 120])
  func course(steps: Int) throws {
    var model = try GraphText.model(Self.perceptron)
    let data = try data()
    let pass = HESSOPass(.groupSparsity(0.5), training: settings(steps: steps)) { _ in data }
    let record = try run(pass, on: &model)
    let points = record.report.course
    #expect(points.count == min(50, steps))
    #expect(points.last.flatMap { number("step", of: $0) } == Double(steps))
    let sparsities = points.compactMap { number("sparsity", of: $0) }
    #expect(sparsities.count == points.count)
    #expect(sparsities.last == 0.5)
    #expect(zip(sparsities, sparsities.dropFirst()).allSatisfy { $0 <= $1 })
    for name in ["loss", "redundantNorm", "importantNorm"] {
      #expect(points.allSatisfy { number(name, of: $0) != nil }, "\(name)")
    }
    #expect(record.json.text().contains("course"))
  }

  private func number(_ name: String, of point: JSONText) -> Double? {
    guard case .object(let pairs) = point else { return nil }
    switch pairs.first(where: { $0.0 == name })?.1 {
    case .int(let number)?: return Double(number)
    case .double(let number)?: return number
    default: return nil
    }
  }

  @Test(
    "options that say too little or too much are refused",
    arguments: [
      ([:], "pass hesso needs one of sparsity, macs and params"),
      (["sparsity": .number(0.5), "macs": .text("50%")], "pass hesso needs one of sparsity, macs and params"),
      (["sparsity": .number(0.5), "cric_steps": .integer(3)], "cric_steps is for cric: true"),
      (["sparsity": .number(0.5), "cric": .flag(true), "periods": .integer(3)], "periods is without cric"),
      (["sparsity": .number(0.5), "epochs": .integer(3)], "give either epochs or steps"),
      (["sparsity": .number(0.5), "temperature": .number(2)], "temperature is for self_distillation"),
      (["sparsity": .number(0.5), "optimizer": .text("adam"), "momentum": .number(0.9)], "momentum is for sgd"),
    ] as [([String: OptionValue], String)])
  func refuses(values: [String: OptionValue], text: String) {
    let training: [String: OptionValue] = [
      "data": .text("d.npz"), "learning_rate": .number(0.1), "steps": .integer(20),
    ]
    let found = message { _ = try HESSOPass(options(training.merging(values) { $1 })) }
    #expect(found.contains(text), "\(found)")
  }
}
