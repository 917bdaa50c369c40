import DataSources
import Glibc
import IR
import Kernels
import Runtime
import Synchronization
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

  @Test("epochs are epochs, however many batches make a step")
  func epochs() throws {
    var settings = settings(SGD(), accumulation: 2)
    settings.batch = 20
    settings.duration = .epochs(10)
    let trainer = try Trainer(try model(), data: data(64), settings: settings)
    #expect(trainer.totalSteps == 15)
    var epoch = 0
    while !trainer.isFinished { epoch = try trainer.next().epoch }
    #expect(epoch == 9)
  }

  @Test("the epoch of the next step is known before it is made")
  func nextEpoch() throws {
    let trainer = try Trainer(try model(), data: data(), settings: settings(steps: 20))
    while !trainer.isFinished {
      let epoch = trainer.epoch
      #expect(try trainer.next().epoch == epoch)
    }
  }

  @Test("weights that are no numbers after the last step are told")
  func infiniteWeights() throws {
    var settings = settings(steps: 1)
    (settings.learningRate, settings.largestNorm) = (1e39, nil)
    let trainer = try Trainer(try model(), data: data(), settings: settings)
    try trainer.checkWeights()
    _ = try trainer.next()
    let error = #expect(throws: TrainingError.self) { try trainer.checkWeights() }
    #expect(error?.kind == .diverged)
    #expect(error?.description.hasPrefix("training diverged: ") == true)
  }

  @Test("numbers that cannot be meant are refused before training starts")
  func refusesSettings() throws {
    let changes: [(inout TrainingSettings) -> Void] = [
      { $0.duration = .epochs(4_611_686_018_427_387_904) }, { $0.duration = .steps(.max) },
      { $0.duration = .epochs(Int(Int32.max)) }, { $0.accumulation = 4_611_686_018_427_387_904 },
      { $0.accumulation = 0 }, { $0.batch = .max }, { $0.batch = 0 }, { $0.largestNorm = -1 },
      { $0.largestNorm = .nan }, { $0.learningRate = .nan }, { $0.schedule.warmUpSteps = .max },
      { $0.schedule.warmUpSteps = -1 }, { $0.schedule.shape = .step(share: .nan) },
      { $0.loss.distillation = .init(temperature: 0) }, { $0.loss.distillation = .init(share: 2) },
      { $0.loss.kind = .crossEntropy(labelSmoothing: 1) }, { $0.rule = SGD(momentum: .nan) },
      { $0.rule = SGD(weightDecay: -1) }, { $0.rule = Adam(beta1: 1) }, { $0.rule = Adam(epsilon: 0) },
      { $0.rule = AdamW(weightDecay: .infinity) }, { $0.rule = AdamW(beta2: -0.5) },
      { $0.rule = SGD(isNesterov: true) },
    ]
    for (index, change) in changes.enumerated() {
      var settings = settings()
      change(&settings)
      let error = #expect(throws: TrainingError.self, "change \(index)") {
        try Trainer(
          model(), data: data(), teacher: settings.loss.distillation == nil ? nil : model(), settings: settings)
      }
      #expect(error?.kind == .settings, "change \(index)")
    }
    #expect(throws: TrainingError.self) { try TrainableModel(try model(), rule: SGD(momentum: .nan)) }
  }

  @Test("a checkpoint of a run with another teacher, or of other trained parameters, is refused")
  func refusesOtherTeachers() throws {
    let path = "/tmp/coppice-checkpoint-teacher-\(getpid()).npz"
    defer { unlink(path) }
    var settings = settings(steps: 4)
    settings.loss.distillation = Loss.Distillation()
    func trainer(_ teacher: Model, where isTrained: ((String) -> Bool)? = nil) throws -> Trainer {
      try Trainer(try model(), data: data(), teacher: teacher, settings: settings, where: isTrained)
    }
    let other = try GraphText.model("x: float[N, 1, 4, 4]\ny = Conv(x, u[3, 1, 4, 4], b[3])\nreturn y")
    try trainer(try model()).writeCheckpoint(to: path)
    try trainer(try model()).resume(from: path)
    #expect(throws: TrainingError.self) { try trainer(other).resume(from: path) }
    #expect(throws: TrainingError.self) { try trainer(try model()) { $0 == "w" }.resume(from: path) }
  }

  /// Data whose second batch cannot be read at first.
  private struct Interrupted: Dataset {
    let whole: ArrayDataset
    private let reads = Reads()

    private final class Reads: Sendable {
      let count = Atomic(0)
    }

    init(_ whole: ArrayDataset) { self.whole = whole }

    var fields: [DataField] { whole.fields }
    var count: Int { whole.count }
    var source: String { whole.source }
    var storedArrays: [StoredArray] { whole.storedArrays }

    func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
      guard reads.count.wrappingAdd(1, ordering: .relaxed).oldValue != 1 else { throw .empty(source: source) }
      return try whole.batch(indices: indices, epoch: epoch)
    }
  }

  @Test("a step that failed in the middle is made anew as if it had not begun")
  func retries() throws {
    let settings = settings(SGD(), steps: 1, accumulation: 2)
    let failing = try Trainer(try model(), data: Interrupted(data()), settings: settings)
    #expect(throws: TrainingError.self) { try failing.next() }
    _ = try failing.next()
    let whole = try Trainer(try model(), data: data(), settings: settings)
    _ = try whole.next()
    #expect(bytes(failing.trainedModel()) == bytes(whole.trainedModel()))
  }

  @Test("a model with functions is trained, and written without them")
  func functions() throws {
    var model = try GraphText.model(
      "x: float[N, 1, 4, 4]\nc = Conv(x, w[3, 1, 4, 4], b[3])\ny = own:Twice(c)\nreturn y")
    model.opsetImports.append(OpsetImport(domain: "own", version: 1))
    var body = try GraphText.model("a: float[N, 3, 1, 1]\nr = Tanh(a)\nc = Add(r, a)\nreturn c")
    body.opsetImports.removeLast()
    model.functions = [
      FunctionDefinition(name: "Twice", domain: "own", message: [], body: FunctionBody(model: body, defaults: []))
    ]
    let trainer = try Trainer(model, data: data(), settings: settings(steps: 2))
    while !trainer.isFinished { _ = try trainer.next() }
    let trained = trainer.trainedModel()
    #expect(trained.functions.isEmpty)
    #expect(trained.graph.nodes.map(\.opType) == ["Conv", "Tanh", "Add"])
    let student = try TrainableModel(model, rule: SGD())
    let batch = try data().batch(indices: [0, 1])
    _ = try student.backward(.crossEntropy, batch)
    student.step(rate: 0.1)
    #expect(student.steps == 1)
  }
}
