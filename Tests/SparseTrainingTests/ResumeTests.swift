import DataSources
import Files
import Glibc
import IR
import TestSupport
import Testing
import Training

@testable import SparseTraining

/// Runs that are cut short anywhere go on to the bit.
@Suite("Checkpoints of HESSO")
struct ResumeTests {
  private func trainer(
    _ settings: HESSOSettings, _ rule: any UpdateRule = SGD(momentum: 0.9), steps: Int
  ) throws -> (Trainer, HESSOSteps) {
    let shape = [12, 3, 6, 6]
    let batch = SmallModels.batch(1, shape: shape)
    let arrays = batch.sorted { $0.key < $1.key }.map { name, tensor in
      var tensor = tensor
      tensor.name = name
      return StoredArray(field: name, source: name, tensor: tensor)
    }
    let trainer = try Trainer(
      try GraphText.model(SmallModels.residual), data: try ArrayDataset(arrays, source: "d.npz"),
      settings: TrainingSettings(
        loss: Loss(.crossEntropy()), rule: rule, learningRate: rule is SGD ? 0.05 : 0.01, batch: 2, accumulation: 2,
        duration: .steps(steps)))
    let hesso = try HESSOSteps(trainer, target: .groupSparsity(0.5), settings: settings)
    trainer.shaper = hesso
    return (trainer, hesso)
  }

  private func bytes(_ trainer: Trainer) -> [[UInt8]] {
    trainer.trainedModel().graph.initializers.map { initializer in
      initializer.tensor.contiguousBytes()?.withUnsafeBytes { Array($0) } ?? []
    }
  }

  private func expectSame(
    _ name: String, _ settings: HESSOSettings, _ rule: any UpdateRule = SGD(momentum: 0.9), steps: Int, cuts: [Int]
  ) throws {
    let (whole, hesso) = try trainer(settings, rule, steps: steps)
    while !whole.isFinished { _ = try whole.next() }
    #expect(hesso.sparsity == 0.5)
    for cut in cuts {
      let path = "/tmp/coppice-hesso-\(getpid())-\(name)-\(cut).npz"
      defer { unlink(path) }
      let (first, _) = try trainer(settings, rule, steps: steps)
      for _ in 0..<cut { _ = try first.next() }
      try first.writeCheckpoint(to: path)
      let (second, resumed) = try trainer(settings, rule, steps: steps)
      try second.resume(from: path)
      #expect(second.step == cut && resumed.step == cut)
      while !second.isFinished { _ = try second.next() }
      #expect(bytes(second) == bytes(whole), "cut after \(cut) steps")
      #expect(resumed.gone == hesso.gone)
    }
  }

  @Test("in the middle of a period, and between two")
  func periods() throws {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps, settings.periods) = (2, 9, 3)
    try expectSame("periods", settings, steps: 16, cuts: [1, 4, 5])
  }

  @Test("in a trial, in a cycle, and while units leave afterwards")
  func corrections() throws {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps) = (2, 4)
    settings.correction = CorrectiveCycleSettings()
    settings.correction?.samplingSteps = 3
    settings.correction?.cycles = 2
    // Two groups and three trials of each: 12 steps after the first of the cycle.
    try expectSame("corrections", settings, steps: 32, cuts: [4, 5, 16, 19, 22])
    try expectSame("corrections-adamw", settings, AdamW(), steps: 32, cuts: [5, 17, 22])
  }

  @Test("steps that the run does not have are refused", arguments: [Int64.max, -1, 17])
  func damagedSteps(number: Int64) throws {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps) = (2, 4)
    let (_, hesso) = try trainer(settings, steps: 16)
    let saved = Dictionary(hesso.savedState().map { ($0.name, $0.tensor) }) { first, _ in first }
    #expect(hesso.restore(saved))
    for numbers in [[number, 2, 0], [0, number, 0]] {
      var damaged = saved
      damaged["step"] = Tensor(int64s: numbers)
      #expect(!hesso.restore(damaged))
    }
  }

  @Test("a cycle whose optimizer's state is not whole ends with an error")
  func damagedState() throws {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps, settings.correction) = (2, 4, CorrectiveCycleSettings())
    let (trainer, hesso) = try trainer(settings, steps: 200)
    for _ in 0..<4 { _ = try trainer.next() }
    var saved = Dictionary(hesso.savedState().map { ($0.name, $0.tensor) }) { first, _ in first }
    saved["state0"] = nil
    #expect(hesso.restore(saved))
    let error = #expect(throws: TrainingError.self) { while !trainer.isFinished { _ = try trainer.next() } }
    #expect(error?.description.contains("set aside") == true)
  }

  @Test("with other settings a checkpoint is refused")
  func others() throws {
    var settings = HESSOSettings()
    (settings.start, settings.pruningSteps, settings.periods) = (2, 9, 3)
    let path = "/tmp/coppice-hesso-\(getpid())-others.npz"
    defer { unlink(path) }
    try trainer(settings, steps: 16).0.writeCheckpoint(to: path)
    settings.periods = 1
    let other = try trainer(settings, steps: 16).0
    let error = #expect(throws: TrainingError.self) { try other.resume(from: path) }
    #expect(error?.description.contains("other settings") == true)
  }
}
