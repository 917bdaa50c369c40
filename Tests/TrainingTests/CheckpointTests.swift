import DataSources
import Files
import Glibc
import IR
import Runtime
import TestSupport
import Testing
import Training

/// What runs are taken up from.
@Suite("Checkpoints")
struct CheckpointTests {
  private func trainer(steps: Int = 3) throws -> Trainer {
    let x: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
    let region = x.withUnsafeBytes { ByteRegion(copying: $0) }
    let data = try ArrayDataset(
      [
        StoredArray(
          field: "x", source: "x",
          tensor: Tensor(name: "x", dataType: .float, shape: [4, 2], storage: .bytes(region))),
        StoredArray(field: "label", source: "label", tensor: Tensor(name: "label", int64s: [0, 1, 2, 0])),
      ], source: "d.npz")
    let settings = TrainingSettings(
      loss: Loss(.crossEntropy()), rule: SGD(momentum: 0.9), learningRate: 0.1, batch: 2, duration: .steps(steps))
    return try Trainer(
      try GraphText.model("x: float[N, 2]\ny = MatMul(x, w[2, 3])\nreturn y"), data: data, settings: settings)
  }

  private func weights(_ trainer: Trainer) throws -> [UInt8] {
    let region = try #require(trainer.trainedModel().graph.initializers[0].tensor.contiguousBytes())
    return region.withUnsafeBytes { Array($0) }
  }

  @Test("a checkpoint of the last step is taken up with no step left, and has the trained weights")
  func ofTheEnd() throws {
    let path = "/tmp/coppice-checkpoint-end-\(getpid()).npz"
    defer { unlink(path) }
    let whole = try trainer()
    while !whole.isFinished { _ = try whole.next() }
    try whole.writeCheckpoint(to: path)
    let resumed = try trainer()
    try resumed.resume(from: path)
    #expect(resumed.isFinished)
    #expect(try weights(resumed) == weights(whole))
  }

  @Test("a checkpoint beyond the last step is refused")
  func beyondTheEnd() throws {
    let path = "/tmp/coppice-checkpoint-beyond-\(getpid()).npz"
    defer { unlink(path) }
    try trainer().writeCheckpoint(to: path)
    let tensors = try NumPyFile.readArchive(path).map { tensor in
      tensor.name == "step" ? Tensor(name: "step", int64s: [4]) : tensor
    }
    try NumPyFile.writeArchive(tensors, to: path, overwrite: true)
    let error = #expect(throws: TrainingError.self) { try trainer().resume(from: path) }
    #expect(error?.description.contains("stands at step 4, but the run ends after 3") == true)
  }

  @Test("a checkpoint that cannot be written says so, and is no mistake in the settings")
  func unwritable() throws {
    let error = #expect(throws: OutputError.self) { try trainer().writeCheckpoint(to: "/dev/null/run.checkpoint") }
    #expect(error?.isUsageError == false)
  }
}
