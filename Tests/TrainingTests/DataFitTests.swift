import Analysis
import DataSources
import Glibc
import IR
import Runtime
import Synchronization
import TestSupport
import Testing
import Training

/// Data that do not fit a model are found before anything runs, by training as by evaluation.
@Suite("Data and model")
struct DataFitTests {
  private func data(
    x: [Float] = [1, 2, 3, 4, 5, 6, 7, 8], width: Int = 2, name: String = "x", labels: [Int64]? = [0, 1, 2, 0]
  ) throws -> ArrayDataset {
    let region = x.withUnsafeBytes { ByteRegion(copying: $0) }
    let tensor = Tensor(name: name, dataType: .float, shape: [x.count / width, width], storage: .bytes(region))
    var arrays = [StoredArray(field: name, source: "d.npz: array \(name)", tensor: tensor)]
    if let labels {
      let tensor = Tensor(name: "label", int64s: labels, shape: [labels.count])
      arrays.append(StoredArray(field: "label", source: "d.npz: array label", tensor: tensor))
    }
    return try ArrayDataset(arrays, source: "d.npz")
  }

  private func model(_ samples: String = "N") throws -> Model {
    try GraphText.model("x: float[\(samples), 2]\ny = MatMul(x, w[2, 3])\nreturn y")
  }

  /// What training and evaluation say, which must be the same.
  private func fault(_ data: any Dataset, _ model: Model, _ loss: Loss = Loss(.crossEntropy())) throws -> String {
    let settings = TrainingSettings(loss: loss, rule: SGD(), learningRate: 0.1, batch: 2, duration: .steps(1))
    var texts: [String] = []
    do {
      _ = try Trainer(model, data: data, settings: settings)
    } catch {
      texts.append("\(error)")
    }
    do {
      try Evaluation(loss, batch: 2).check(model, on: data)
    } catch {
      texts.append("\(error)")
    }
    #expect(Set(texts).count <= 1, "\(texts)")
    return texts.first ?? "nothing"
  }

  @Test("sound data are taken")
  func sound() throws { #expect(try fault(data(), model()) == "nothing") }

  @Test("shapes, names, labels and numbers that do not fit are named")
  func faults() throws {
    #expect(try fault(data(x: [1, 2, 3, 4], width: 1), model()).contains("samples have shape [1], input x takes [2]"))
    #expect(try fault(data(name: "z"), model()).contains("nothing for input x; there is z, label"))
    #expect(try fault(data(labels: nil), model()).contains("has no labels"))
    #expect(try fault(data(labels: [0, 1, 3, 0]), model()).contains("sample 2: label 3 is not from 0 to 2"))
    #expect(try fault(data(labels: [0, -1, 2, 0]), model()).contains("sample 1: label -1"))
    #expect(try fault(data(x: [1, 2, 3, 4, .nan, 6, 7, 8]), model()).contains("sample 2: holds NaN"))
  }

  @Test("the label -100 leaves a sample out")
  func ignored() throws { #expect(try fault(data(labels: [0, -100, 2, 0]), model()) == "nothing") }

  @Test("labels that all stand for none, and targets that are no probabilities, are refused")
  func nothingToLearn() throws {
    let ignored = try data(labels: [-100, -100, -100, -100])
    #expect(try fault(ignored, model()).contains("nothing to learn from"))
    let targets = Tensor(floats: [Float](repeating: 2, count: 12), shape: [4, 3])
    let given = try ArrayDataset(
      [data().storedArrays[0], StoredArray(field: "label", source: "d.npz: array label", tensor: targets)],
      source: "d.npz")
    #expect(try fault(given, model(), .binaryCrossEntropy).contains("target 2 is not from 0 to 1"))
    #expect(try fault(given, model(), .meanSquaredError) == "nothing")
  }

  @Test("a part whose labels all stand for none is refused, whatever the rest has")
  func nothingInPart() throws {
    let whole = try data(labels: [0, -100, -100, 1])
    #expect(try fault(DatasetPart(whole, samples: [1, 2]), model()).contains("nothing to learn from"))
    #expect(try fault(DatasetPart(whole, samples: [0, 1]), model()) == "nothing")
    var loss = Loss(.crossEntropy())
    loss.distillation = Loss.Distillation()
    // What is measured is agreement with labels, with a teacher too.
    #expect(throws: TrainingError.self) {
      try Evaluation(loss, batch: 2).check(model(), on: DatasetPart(whole, samples: [1, 2]))
    }
  }

  @Test("a step whose labels are all ignored has no loss, and a batch among others does not lower it")
  func stepWithoutLabels() throws {
    let whole = try data(labels: [0, -100, -100, -100])
    func first(batch: Int, accumulation: Int) throws -> [Trainer.Step] {
      let settings = TrainingSettings(
        loss: Loss(.crossEntropy()), rule: SGD(), learningRate: 0, batch: batch, accumulation: accumulation,
        duration: .steps(4 / accumulation))
      let trainer = try Trainer(model(), data: whole, settings: settings)
      return try (0..<trainer.totalSteps).map { _ in try trainer.next() }
    }
    let single = try first(batch: 1, accumulation: 1)
    #expect(single.filter(\.hasLoss).count == 1)
    let together = try first(batch: 1, accumulation: 4)
    let loss = try #require(single.first(where: \.hasLoss)?.loss)
    #expect(together[0].hasLoss && abs(together[0].loss - loss) < 1e-6)
  }

  private func trainer(_ data: any Dataset, seed: UInt64 = 0) throws -> Trainer {
    let settings = TrainingSettings(
      loss: .crossEntropy, rule: SGD(), learningRate: 0.1, batch: 2, duration: .steps(3), seed: seed)
    return try Trainer(try model(), data: data, settings: settings)
  }

  @Test("a checkpoint belongs to its data: other samples, labels or parts of them are refused")
  func otherData() throws {
    let path = "/tmp/coppice-checkpoint-data-\(getpid()).npz"
    defer { unlink(path) }
    try trainer(data()).writeCheckpoint(to: path)
    try trainer(data()).resume(from: path)
    let others: [any Dataset] = [
      try data(x: [1, 2, 3, 4, 5, 6, 7, 9]), try data(labels: [0, 1, 2, 1]),
      DatasetPart(try data(), samples: [3, 2, 1, 0]),
    ]
    for other in others {
      #expect(throws: TrainingError.self) { try trainer(other).resume(from: path) }
    }
  }

  /// Data that notes which samples are asked for.
  private struct Noted: Dataset {
    let whole: ArrayDataset
    let notes = Notes()

    final class Notes: Sendable {
      let samples = Mutex<[Int]>([])
    }

    var fields: [DataField] { whole.fields }
    var count: Int { whole.count }
    var source: String { whole.source }
    var storedArrays: [StoredArray] { whole.storedArrays }

    func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
      notes.samples.withLock { $0 += indices }
      return try whole.batch(indices: indices, epoch: epoch)
    }
  }

  @Test("samples come in the order a loader of the same seed has them")
  func order() throws {
    let noted = Noted(
      whole: try data(x: (0..<24).map { Float($0) }, labels: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]))
    let run = try trainer(noted, seed: 3)
    while !run.isFinished { _ = try run.next() }
    let loader = try DataLoader(noted.whole, batchSize: 2, isShuffled: true, dropsLast: true, seed: 3)
    #expect(noted.notes.samples.withLock { $0.prefix(6) } == loader.order(epoch: 0).prefix(6))
  }

  @Test("numbers of rows are held against the table they are looked up in")
  func rows() throws {
    let model = try GraphText.model(
      "ids: int64[N, 2]\ne = Gather(t[5, 3], ids)\ny = ReduceMean(e) { axes: [1], keepdims: 0 }\nreturn y")
    #expect(model.lookedUpRows == ["ids": 5])
    let reshaped = try GraphText.model(
      "ids: int64[N, 2]\nr = Reshape(ids, s<-1>)\ny = Gather(t[3, 7], r) { axis: -1 }\nreturn y")
    #expect(reshaped.lookedUpRows == ["ids": 7])
    let ids = Tensor(name: "ids", int64s: [0, 1, 2, 5], shape: [2, 2])
    let data = try ArrayDataset(
      [
        StoredArray(field: "ids", source: "ids", tensor: ids),
        StoredArray(field: "label", source: "label", tensor: Tensor(int64s: [0, 1])),
      ], source: "d")
    #expect(try fault(data, model).contains("sample 1: 5 is not from 0 to 4"))
  }

  @Test("a model that takes so many samples at once gets so many")
  func fixedBatch() throws {
    let metrics = try Evaluation(Loss(.crossEntropy()), batch: 64)(model("2"), on: data())
    #expect(metrics.samples == 4)
    #expect(throws: TrainingError.self) { try Evaluation(Loss(.crossEntropy()))(model("3"), on: data()) }
    let settings = TrainingSettings(
      loss: Loss(.crossEntropy()), rule: SGD(), learningRate: 0.1, batch: 4, duration: .steps(1))
    #expect(throws: TrainingError.self) { try Trainer(model("2"), data: data(), settings: settings) }
  }

  @Test("a node that cannot be run is named, not the shape that is unknown for it")
  func unknownOperator() throws {
    let model = try GraphText.model("x: float[N, 2]\nh = acme:Frobnicate(x)\ny = MatMul(h, w[2, 3])\nreturn y")
    let settings = TrainingSettings(
      loss: Loss(.crossEntropy()), rule: SGD(), learningRate: 0.1, batch: 2, duration: .steps(1))
    #expect {
      try Trainer(model, data: data(), settings: settings)
    } throws: { "\($0)".contains("cannot run node h (Frobnicate)") }
  }

  @Test("gradients are those of the mean loss, in both precisions, and make no step")
  func gradients() throws {
    let settings = TrainingSettings(
      loss: Loss(.crossEntropy()), rule: SGD(), learningRate: 0.5, batch: 4, duration: .steps(1))
    let trainer = try Trainer(model(), data: data(), settings: settings)
    let (loss, single) = try trainer.gradients()
    #expect(trainer.step == 0 && single.map(\.name) == ["w"] && single[0].shape == [2, 3])
    let double = try Trainer(model(), data: data(), settings: settings, options: RuntimeOptions(precision: .double))
    let exact = try double.gradients()
    #expect(exact.gradients[0].dataType == .double && abs(exact.loss - loss) < 1e-6)
    #expect(throws: TrainingError.self) { try double.next() }
    // A step of gradient descent is the gradient times the rate.
    let before = try weights(trainer.trainedModel())
    _ = try trainer.next()
    let after = try weights(trainer.trainedModel())
    for (index, gradient) in try floats(single[0]).enumerated() {
      #expect(abs(before[index] - after[index] - 0.5 * gradient) < 1e-5)
    }
  }

  private func weights(_ model: Model) throws -> [Float] { try floats(model.graph.initializers[0].tensor) }

  private func floats(_ tensor: Tensor) throws -> [Float] {
    let region = try #require(tensor.contiguousBytes())
    return region.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }
}
