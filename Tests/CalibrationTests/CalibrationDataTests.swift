import DataSources
import IR
import TestSupport
import Testing
import Training

@testable import Calibration

/// Data that nothing can be measured on are refused in one line, before anything runs.
@Suite("Calibration data")
struct CalibrationDataTests {
  private static let linear = "x: float[N, 2]\ny = MatMul(x, w[2, 3])\nreturn y"

  private func dataset(_ tensors: [Tensor]) throws -> ArrayDataset {
    try ArrayDataset(
      tensors.map { StoredArray(field: $0.name ?? "", source: "d.npz: array \($0.name ?? "")", tensor: $0) },
      source: "d.npz")
  }

  private func floats(_ name: String, _ numbers: [Float], _ shape: [Int]) -> Tensor {
    Tensor(name: name, floats: numbers, shape: shape)
  }

  private func message(_ text: String, _ dataset: any Dataset, loss: Loss? = nil) throws -> String {
    let model = try GraphText.model(text)
    do throws(TrainingError) {
      _ = try CalibrationData(dataset, for: model, loss: loss)
      return "no error"
    } catch {
      #expect(!error.description.contains("\n"))
      return error.description
    }
  }

  private func message(_ text: String, _ tensors: [Tensor]) throws -> String { try message(text, dataset(tensors)) }

  @Test("samples are read by number, as the model takes them")
  func sound() throws {
    let model = try GraphText.model(Self.linear)
    let data = try CalibrationData(dataset([floats("x", [1, 2, 3, 4, 5, 6], [3, 2])]), for: model)
    #expect(data.count == 3 && !data.hasLabels && data.source == "d.npz")
    #expect(try data.samples(1..<3).inputs["x"]?.floats() == [3, 4, 5, 6])
    #expect(data.batches(of: 2) == [0..<2, 2..<3])
  }

  /// Fifty samples that are their numbers.
  private func fifty() throws -> ArrayDataset {
    try dataset([floats("x", (0..<50).map { Float($0) }, [50, 1])])
  }

  private func numbers(_ data: CalibrationData) throws -> [Float] {
    try #require(try data.samples(0..<data.count).inputs["x"]?.floats())
  }

  @Test("a limit draws samples by the seed")
  func limit() throws {
    let model = try GraphText.model("x: float[N, 1]\ny = Relu(x)\nreturn y")
    func drawn(_ seed: UInt64) throws -> [Float] {
      try numbers(try CalibrationData(fifty(), for: model, limit: 10, seed: seed))
    }
    let first = try drawn(1)
    #expect(first.count == 10 && Set(first).count == 10)
    #expect(try drawn(1) == first)
    #expect(try drawn(2) != first)
  }

  @Test("the first samples are those that were drawn first")
  func first() throws {
    let model = try GraphText.model("x: float[N, 1]\ny = Relu(x)\nreturn y")
    let data = try CalibrationData(fifty(), for: model, limit: 10, seed: 1)
    #expect(try numbers(data.first(3)) == Array(numbers(data).prefix(3)))
    #expect([0, 10, 11, -1].map { data.first($0).count } == [0, 10, 10, 0])
    #expect([0, 3, 11].map { data.first($0, for: model).count } == [0, 3, 10])
  }

  @Test("the first samples for a model that takes four at once are a multiple of four where there are as many")
  func firstOfFixedNumber() throws {
    let model = try GraphText.model("x: float[4, 1]\ny = Relu(x)\nreturn y")
    let data = try CalibrationData(fifty(), for: model, limit: 10, seed: 1)
    #expect([1, 4, 5, 9].map { data.first($0, for: model).count } == [4, 4, 8, 10])
    #expect(try numbers(data.first(1, for: model)) == Array(numbers(data).prefix(4)))
  }

  @Test("a model that takes more samples at once than there are is given all of them, however many it takes")
  func firstOfHugeNumber() throws {
    let open = try GraphText.model("x: float[N, 1]\ny = Relu(x)\nreturn y")
    let data = try CalibrationData(fifty(), for: open, limit: 10, seed: 1)
    for size in [11, Int.max - 1, Int.max] {
      let model = try GraphText.model("x: float[\(size), 1]\ny = Relu(x)\nreturn y")
      #expect([-1, 0, 1, 9, 10, Int.max].map { data.first($0, for: model).count } == [0, 0, 10, 10, 10, 10])
      #expect(throws: TrainingError.self) { try data.batches(of: 4, for: model) }
    }
  }

  @Test("an input that is one number throughout is refused, whatever the number", arguments: [0, 3] as [Float])
  func constant(number: Float) throws {
    let text = try message(Self.linear, [floats("x", [Float](repeating: number, count: 8), [4, 2])])
    #expect(text.contains("d.npz: array x: input x holds \(Int(number)) throughout"))
    #expect(text.contains("give samples"))
  }

  @Test("bytes that become floating-point numbers are looked at too")
  func constantBytes() throws {
    let black = Tensor(
      name: "x", dataType: .uint8, shape: [4, 2], storage: .bytes(ByteRegion(copying: [UInt8](repeating: 0, count: 8))))
    #expect(try message(Self.linear, [black]).contains("input x holds 0 throughout"))
  }

  @Test("one sample that differs is enough")
  func nearlyConstant() throws {
    #expect(try message(Self.linear, [floats("x", [0, 0, 0, 0, 0, 1], [3, 2])]) == "no error")
  }

  @Test("masks, single numbers beside other inputs and integers may be the same throughout")
  func mayBeConstant() throws {
    let masked = "x: float[N, 2]\nmask: float[N, 2]\ny = Mul(x, mask)\nreturn y"
    let varied = floats("x", [1, 2, 3, 4], [2, 2])
    #expect(try message(masked, [varied, floats("mask", [1, 1, 1, 1], [2, 2])]) == "no error")
    let scaled = "x: float[N, 2]\nscale: float[N, 1]\ny = Mul(x, scale)\nreturn y"
    #expect(try message(scaled, [varied, floats("scale", [3, 3], [2, 1])]) == "no error")
    let other = "x: float[N, 2]\nz: float[N, 2]\ny = Mul(x, z)\nreturn y"
    #expect(try message(other, [varied, floats("z", [1, 1, 1, 1], [2, 2])]).contains("input z holds 1"))
    let words = "x: int64[N, 2]\ny = Gather(t[5, 3], x)\nreturn y"
    #expect(try message(words, [Tensor(name: "x", int64s: [1, 1, 1, 1], shape: [2, 2])]) == "no error")
  }

  // MARK: Labels

  /// What is said of four samples with these labels, of these shapes without the axis of samples.
  private func message(
    _ text: String, x: [Int], labels: [Int64], shape: [Int] = [], loss: Loss? = .crossEntropy
  ) throws -> String {
    let count = 4 * x.reduce(1, *)
    let size = shape.reduce(1, *)
    let all = labels + [Int64](repeating: 0, count: 4 * size - labels.count)
    let dataset = try dataset([
      floats("x", (0..<count).map { Float($0) }, [4] + x), Tensor(name: "label", int64s: all, shape: [4] + shape),
    ])
    return try message(text, dataset, loss: loss)
  }

  @Test("a label that is none of the model's classes is named with its file, its sample and their number")
  func strayLabel() throws {
    let text = try message(Self.linear, x: [2], labels: [0, 2, 7, -100])
    #expect(text.hasPrefix("d.npz: array label: sample 2: label 7 is not from 0 to 2, as 3 classes ask"))
    #expect(try message(Self.linear, x: [2], labels: [0, 1, -1]).contains("sample 2: label -1 is not from 0 to 2"))
    #expect(try message(Self.linear, x: [2], labels: [0, 2, 1, -100]) == "no error")
  }

  @Test("labels are looked at only where they stand for classes")
  func otherLabels() throws {
    #expect(try message(Self.linear, x: [2], labels: [7], loss: nil) == "no error")
    #expect(try message(Self.linear, x: [2], labels: [7], shape: [3], loss: .meanSquaredError) == "no error")
    // They fit no axis of the output; what needs them says so.
    #expect(try message(Self.linear, x: [2], labels: [7], shape: [3]) == "no error")
  }

  @Test("classes are the axis that labels lack, of whatever size the data make it")
  func classes() throws {
    let pictures = "x: float[N, 2, 5, 6]\ny = Conv(x, w[7, 2, 1, 1])\nreturn y"
    #expect(
      try message(pictures, x: [2, 5, 6], labels: [6, 7], shape: [5, 6]).contains("label 7 is not from 0 to 6"))
    let tokens = "x: float[N, T, 4]\ny = MatMul(x, w[4, 3])\nreturn y"
    #expect(try message(tokens, x: [5, 4], labels: [2, 3], shape: [5]).contains("label 3 is not from 0 to 2"))
    let anyWidth = "x: float[N, C]\ny = Relu(x)\nreturn y"
    #expect(try message(anyWidth, x: [2], labels: [1, 2]).contains("label 2 is not from 0 to 1"))
  }

  // MARK: Samples

  @Test("data without samples are refused")
  func empty() throws {
    let some = try dataset([floats("x", [1, 2, 3, 4], [2, 2])])
    #expect(try message(Self.linear, DatasetPart(some, samples: [])).contains("d.npz: holds no samples"))
  }

  @Test("numbers that are none are named with their sample")
  func notFinite() throws {
    #expect(
      try message(Self.linear, [floats("x", [1, 2, .nan, 4], [2, 2])]).contains(
        "d.npz: array x: sample 1: holds NaN"))
    #expect(try message(Self.linear, [floats("x", [1, .infinity, 3, 4], [2, 2])]).contains("holds infinity"))
  }

  @Test("samples of another shape, type or name are refused with what the model takes")
  func mismatches() throws {
    #expect(
      try message(Self.linear, [floats("x", [1, 2, 3], [1, 3])]).contains(
        "samples have shape [3], input x takes [2]"))
    #expect(
      try message(Self.linear, [floats("z", [1, 2], [1, 2])]).contains("nothing for input x; there is z"))
    let words = "x: int64[N, 2]\ny = Gather(t[5, 3], x)\nreturn y"
    #expect(try message(words, [floats("x", [1, 2], [1, 2])]).contains("elements are float, input x takes int64"))
    #expect(
      try message(words, [Tensor(name: "x", int64s: [1, 5], shape: [1, 2])]).contains("5 is not from 0 to 4"))
  }
}
