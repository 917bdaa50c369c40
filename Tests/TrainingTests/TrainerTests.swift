import DataSources
import Glibc
import IR
import Kernels
import Runtime
import TestSupport
import Testing
import Training

/// Whole runs on a small network.
@Suite("Trainer")
struct TrainerTests {
  /// Pictures of 4 × 4 pixels, one of whose three parts is bright: what part is the class.
  private func data(_ count: Int = 48) throws -> ArrayDataset {
    var random = CounterRandom(seed: 3)
    var pixels: [Float] = []
    var labels: [Int64] = []
    for sample in 0..<count {
      labels.append(Int64(sample % 3))
      for pixel in 0..<16 {
        let isBright = pixel / 5 == sample % 3
        pixels.append(Float(random.number(below: 100)) / 100 + (isBright ? 0.6 : 0))
      }
    }
    let region = pixels.withUnsafeBytes { ByteRegion(copying: $0) }
    let tensor = Tensor(name: "x", dataType: .float, shape: [count, 1, 4, 4], storage: .bytes(region))
    let label = Tensor(name: "label", int64s: labels, shape: [count, 1, 1])
    return try ArrayDataset(
      [
        StoredArray(field: "x", source: "x", tensor: tensor),
        StoredArray(field: "label", source: "label", tensor: label),
      ], source: "test")
  }

  private func model() throws -> Model {
    try GraphText.model("x: float[N, 1, 4, 4]\ny = Conv(x, w[3, 1, 4, 4], b[3])\nreturn y")
  }

  private func settings(
    _ rule: any UpdateRule = SGD(momentum: 0.9), steps: Int = 40, accumulation: Int = 1
  ) -> TrainingSettings {
    TrainingSettings(
      loss: Loss(.crossEntropy()), rule: rule, learningRate: 0.05, schedule: Schedule(.cosine), batch: 8,
      accumulation: accumulation, duration: .steps(steps), largestNorm: 10, seed: 5)
  }

  private func bytes(_ model: Model) -> [[UInt8]] {
    model.graph.initializers.map { $0.tensor.contiguousBytes()?.withUnsafeBytes { Array($0) } ?? [] }
  }

  @Test("training lowers the loss and classifies", arguments: ["sgd", "adam", "adamw"])
  func learns(_ name: String) throws {
    let rules: [String: any UpdateRule] = ["sgd": SGD(momentum: 0.9), "adam": Adam(), "adamw": AdamW()]
    let trainer = try Trainer(try model(), data: data(), settings: settings(try #require(rules[name]), steps: 80))
    let first = try trainer.next()
    while !trainer.isFinished { _ = try trainer.next() }
    let metrics = try Evaluation(Loss(.crossEntropy()))(trainer.trainedModel(), on: data())
    #expect(metrics.loss < first.loss / 2)
    #expect(try #require(metrics.top1) > 0.9)
    #expect(metrics.samples == 48)
  }

  @Test("a run taken up from a checkpoint ends like an unbroken one, to the bit")
  func resumes() throws {
    let path = "/tmp/coppice-checkpoint-\(getpid()).npz"
    defer { unlink(path) }
    let unbroken = try Trainer(try model(), data: data(), settings: settings())
    while !unbroken.isFinished {
      if unbroken.step == 17 { try unbroken.writeCheckpoint(to: path) }
      _ = try unbroken.next()
    }
    let resumed = try Trainer(try model(), data: data(), settings: settings())
    try resumed.resume(from: path)
    #expect(resumed.step == 17)
    while !resumed.isFinished { _ = try resumed.next() }
    #expect(bytes(resumed.trainedModel()) == bytes(unbroken.trainedModel()))
  }

  @Test("a checkpoint of other settings is refused")
  func refusesOthers() throws {
    let path = "/tmp/coppice-checkpoint-other-\(getpid()).npz"
    defer { unlink(path) }
    try Trainer(try model(), data: data(), settings: settings()).writeCheckpoint(to: path)
    let other = try Trainer(try model(), data: data(), settings: settings(steps: 41))
    #expect(throws: TrainingError.self) { try other.resume(from: path) }
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let models = try [1, 2].map { count in
      let trainer = try Trainer(
        try model(), data: data(), settings: settings(steps: 5), options: RuntimeOptions(workers: Workers(count: count))
      )
      while !trainer.isFinished { _ = try trainer.next() }
      return bytes(trainer.trainedModel())
    }
    #expect(models[0] == models[1])
  }

  @Test("two batches of four that are accumulated step like one of eight, nearly")
  func accumulates() throws {
    var whole = settings(SGD(), steps: 1)
    whole.batch = 48
    var parts = settings(SGD(), steps: 1, accumulation: 2)
    parts.batch = 24
    let losses = try [whole, parts].map { try Trainer(try model(), data: data(), settings: $0).next() }
    #expect(abs(losses[0].loss - losses[1].loss) < 1e-5)
    let norms = losses.compactMap(\.gradientNorm)
    #expect(abs(norms[0] - norms[1]) < 1e-5)
  }

  @Test("a student follows its teacher")
  func distils() throws {
    var settings = settings(Adam(), steps: 60)
    settings.loss.distillation = Loss.Distillation(temperature: 2, share: 1)
    let teacher = try Trainer(try model(), data: data(), settings: self.settings())
    while !teacher.isFinished { _ = try teacher.next() }
    let student = try Trainer(try model(), data: data(), teacher: teacher.trainedModel(), settings: settings)
    let first = try student.next()
    var last = first
    while !student.isFinished { last = try student.next() }
    #expect(last.loss < first.loss / 4)
  }

  @Test("labels that do not fit are refused before training starts")
  func refusesLabels() throws {
    let data = try data()
    let wrong = try ArrayDataset(
      [
        data.storedArrays[0],
        StoredArray(
          field: "label", source: "l", tensor: Tensor(int64s: [Int64](repeating: 0, count: 96), shape: [48, 2])),
      ],
      source: "test")
    #expect(throws: TrainingError.self) { try Trainer(try model(), data: wrong, settings: settings()) }
  }
}
