import Analysis
import IR
import TestSupport
import Testing
import Training

@testable import Calibration

/// Generated samples: of the kind each input takes, the same whenever they are read.
@Suite("Noise")
struct NoiseTests {
  static let pictures = "x: float[N, 3, 32, 32]\ny = GlobalAveragePool(x)\nreturn y"
  static let vectors = "x: float[N, 4096]\ny = Relu(x)\nreturn y"

  private func noise(
    _ text: String, count: Int = 8, seed: UInt64 = 1, shapes: [String] = []
  ) throws -> CalibrationData {
    try .noise(for: try GraphText.model(text), count: count, seed: seed, shapes: try InputShapes(parsing: shapes))
  }

  private func numbers(_ data: CalibrationData, _ range: Range<Int>, of input: String = "x") throws -> [Double] {
    try #require(try data.samples(range).inputs[input]?.doubles())
  }

  private func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

  private func variance(_ numbers: [Double]) -> Double {
    let mean = mean(numbers)
    return self.mean(numbers.map { ($0 - mean) * ($0 - mean) })
  }

  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (meanA, meanB) = (mean(a), mean(b))
    return mean(zip(a, b).map { ($0 - meanA) * ($1 - meanB) }) / (variance(a) * variance(b)).squareRoot()
  }

  private func message(_ text: String, shapes: [String] = []) -> String {
    do {
      _ = try noise(text, shapes: shapes)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test("it says that it is generated, and has no labels")
  func origin() throws {
    let data = try noise(Self.vectors)
    guard case .generated = data.origin else {
      Issue.record("origin is \(data.origin)")
      return
    }
    #expect(data.source == "noise" && data.count == 8 && !data.hasLabels)
  }

  @Test("the same seed gives the same samples in whatever order they are read", arguments: [pictures, vectors])
  func order(text: String) throws {
    let data = try noise(text)
    let whole = try numbers(data, 0..<8)
    let size = whole.count / 8
    #expect(try numbers(data, 5..<8) == Array(whole[(5 * size)...]))
    #expect(try numbers(data, 2..<3) == Array(whole[(2 * size)..<(3 * size)]))
    #expect(try numbers(noise(text, count: 100), 0..<8) == whole)
    #expect(try numbers(noise(text, seed: 2), 0..<8) != whole)
    #expect(Array(whole[..<size]) != Array(whole[size..<(2 * size)]))
  }

  @Test("inputs have numbers of their own")
  func inputs() throws {
    let data = try noise("x: float[N, 64]\nz: float[N, 64]\ny = Add(x, z)\nreturn y")
    let (x, z) = (try numbers(data, 0..<8), try numbers(data, 0..<8, of: "z"))
    #expect(abs(correlation(x, z)) < 0.2)
    #expect(try numbers(noise("x: float[N, 64]\ny = Relu(x)\nreturn y"), 0..<8) == x)
  }

  @Test("numbers have mean zero and variance one")
  func moments() throws {
    let vectors = try numbers(try noise(Self.vectors), 0..<8)
    #expect(abs(mean(vectors)) < 0.03 && abs(variance(vectors) - 1) < 0.05)
    let pictures = try noise(Self.pictures)
    for sample in 0..<8 {
      let picture = try numbers(pictures, sample..<(sample + 1))
      #expect(abs(mean(picture)) < 1e-4 && abs(variance(picture) - 1) < 1e-3)
    }
  }

  @Test("in pictures neighbouring pixels are alike, and so are the channels of a pixel")
  func natural() throws {
    let values = try numbers(try noise(Self.pictures), 0..<8)
    let inner = values.indices.filter { $0 % 32 < 31 }
    #expect(correlation(inner.map { values[$0] }, inner.map { values[$0 + 1] }) > 0.4)
    let red = values.indices.filter { $0 / 1024 % 3 == 0 }
    #expect(correlation(red.map { values[$0] }, red.map { values[$0 + 1024] }) > 0.6)
    // Nothing of the kind holds of numbers that are no picture.
    let white = try numbers(try noise(Self.vectors), 0..<8)
    #expect(abs(correlation(Array(white.dropLast()), Array(white.dropFirst()))) < 0.05)
  }

  @Test("pictures with channels last are the same pictures")
  func channelsLast() throws {
    let first = try numbers(try noise("x: float[N, 3, 16, 12]\ny = Relu(x)\nreturn y"), 0..<2)
    let last = try numbers(try noise("x: float[N, 16, 12, 3]\ny = Relu(x)\nreturn y"), 0..<2)
    let area = 16 * 12
    for (place, value) in last.enumerated() {
      let (sample, rest) = (place / (3 * area), place % (3 * area))
      #expect(first[sample * 3 * area + rest % 3 * area + rest / 3] == value)
    }
  }

  @Test("what is too small to show anything, or has other channels, is no picture")
  func noPictures() throws {
    for shape in ["3, 4, 4", "16, 16, 16"] {
      let values = try numbers(try noise("x: float[N, \(shape)]\ny = Relu(x)\nreturn y"), 0..<8)
      #expect(abs(correlation(Array(values.dropLast()), Array(values.dropFirst()))) < 0.25)
    }
  }

  @Test("integers are rows of the table they are looked up in, and all of them occur")
  func integers() throws {
    let data = try noise("x: int64[N, 16]\ny = Gather(t[5, 3], x)\nreturn y")
    let tensor = try #require(try data.samples(0..<8).inputs["x"])
    #expect(tensor.dataType == .int64 && tensor.shape == [8, 16])
    #expect(Set(tensor.integers() ?? []) == [0, 1, 2, 3, 4])
  }

  @Test("masks are ones")
  func masks() throws {
    let data = try noise(
      "attention_mask: int64[N, 8]\nkeep: bool[N, 8]\na = Cast(attention_mask) { to: 1 }\nb = Cast(keep) { to: 1 }\n"
        + "y = Add(a, b)\nreturn y")
    for name in ["attention_mask", "keep"] {
      #expect(try numbers(data, 0..<2, of: name) == [Double](repeating: 1, count: 16))
    }
  }

  @Test("open sizes are taken from the user, also by way of another input's symbol")
  func shapes() throws {
    let text = "x: float[N, T]\nz: float[N, T]\ny = Add(x, z)\nreturn y"
    let samples = try noise(text, shapes: ["x=1x12"]).samples(0..<3)
    #expect(samples.inputs["x"]?.shape == [3, 12] && samples.inputs["z"]?.shape == [3, 12])
  }

  @Test("an open size that nobody gives is an error that says what to give, but for the number of samples")
  func openSizes() {
    let text = message("x: float[N, 3, H, 8]\ny = Relu(x)\nreturn y")
    #expect(text.contains("input x leaves sizes open; give --input-shape x=1x3x?x8"))
    #expect(!text.contains("\n"))
    #expect(message("x: float[N, 3, H, 8]\ny = Relu(x)\nreturn y", shapes: ["x=1x3x8x8"]) == "no error")
    #expect(message("x: float[N, 4]\ny = Relu(x)\nreturn y") == "no error")
  }

  @Test("shapes that contradict the model, and inputs without an axis of samples, are named")
  func contradictions() {
    #expect(message("x: float[N, 4]\ny = Relu(x)\nreturn y", shapes: ["x=1x5"]).contains("axis 1 of input x"))
    #expect(message("x: float[N, 4]\ny = Relu(x)\nreturn y", shapes: ["z=1x5"]).contains("no input z"))
    #expect(message("x: float[]\ny = Relu(x)\nreturn y").contains("input x has no axis of samples"))
  }

  @Test("samples no machine holds are an error")
  func tooLarge() throws {
    let data = try noise("x: float[N, T, S]\ny = Relu(x)\nreturn y", shapes: ["x=1x2000000000x2000000000"])
    #expect(throws: TrainingError.self) { try data.samples(0..<1) }
  }
}
