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

  private func message(_ text: String, _ dataset: any Dataset) throws -> String {
    let model = try GraphText.model(text)
    do throws(TrainingError) {
      _ = try CalibrationData(dataset, for: model)
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

  @Test("a limit draws samples by the seed")
  func limit() throws {
    let model = try GraphText.model("x: float[N, 1]\ny = Relu(x)\nreturn y")
    let dataset = try dataset([floats("x", (0..<50).map { Float($0) }, [50, 1])])
    func drawn(_ seed: UInt64) throws -> [Float] {
      let data = try CalibrationData(dataset, for: model, limit: 10, seed: seed)
      return try #require(try data.samples(0..<data.count).inputs["x"]?.floats())
    }
    let first = try drawn(1)
    #expect(first.count == 10 && Set(first).count == 10 && first == first.sorted())
    #expect(try drawn(1) == first)
    #expect(try drawn(2) != first)
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
