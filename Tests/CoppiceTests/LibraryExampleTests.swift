import Coppice
import Foundation
import TestSupport
import Testing

/// The examples of Docs/Library.md: they are what is compiled here, and they do what they say.
@Suite("Library examples")
struct LibraryExampleTests {
  /// The repository.
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test("Docs/Library.md shows the examples as they are compiled")
  func documentation() throws {
    let page = try String(contentsOf: Self.root.appending(path: "Docs/Library.md"), encoding: .utf8)
    let folder = Self.root.appending(path: "Tests/CoppiceTests/Examples")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "swift" }
    for file in files {
      let source = try String(contentsOf: file, encoding: .utf8)
      #expect(
        page.contains("```swift\n\(source)```"), "Docs/Library.md does not show \(file.lastPathComponent) as it is")
    }
    // One block more is of a package's manifest.
    #expect(page.components(separatedBy: "```swift\n").count - 1 == files.count + 1)
  }

  @Test("a model of this repository classifies pictures")
  func classifies() throws {
    let path = Self.root.appending(path: "Models/digits_transformer.onnx").path
    let classes = try classify([Self.zero, Self.one], by: path)
    #expect(classes == [0, 1])
  }

  @Test("a loop of one's own trains a classifier that is written and read back")
  func trains() throws {
    let folder = try Folder()
    try GraphText.model(
      "x: float[N, 1, 4, 4]\nc = Conv(x, w[8, 1, 4, 4], b[8])\nr = Relu(c)\n"
        + "f = Flatten(r)\ny = Gemm(f, v[8, 3], a[3])\nreturn y", scalesWeights: true
    ).write(to: folder.path("start.onnx"))
    try NumPyFile.writeArchive(Self.bars(240, seed: 1), to: folder.path("train.npz"))
    try NumPyFile.writeArchive(Self.bars(60, seed: 2), to: folder.path("test.npz"))

    let top1 = try train(
      folder.path("start.onnx"), on: folder.path("train.npz"), validation: folder.path("test.npz"), epochs: 8,
      to: folder.path("trained.onnx"))

    #expect(top1 > 0.9)
    let data = try ArrayDataset(archive: folder.path("test.npz"))
    let trained = try Model(contentsOf: folder.path("trained.onnx"))
    #expect(try Evaluation(.crossEntropy)(trained, on: data).top1 == top1)
  }

  @Test("a loss of one's own finds the quantile that is asked for")
  func ownLoss() throws {
    let model = try GraphText.model(
      "x: float[N, 1]\nh = Gemm(x, w1[1, 16], b1[16])\nr = Relu(h)\ny = Gemm(r, w2[16, 1], b2[1])\nreturn y",
      scalesWeights: true)
    var random = CounterRandom(seed: 7)
    let measurements = (0..<2000).map { _ -> (x: Float, y: Float) in
      let x = Float(random.number(below: 1000)) / 1000
      return (x, x + Float(random.number(below: 1000)) / 1000)
    }
    let trained = try learnQuantile(0.9, of: measurements, by: model)

    let x = Tensor(floats: measurements.map(\.x), shape: [measurements.count, 1])
    let found = try #require(try Session(trained).run(["x": x])["y"]?.floats())
    let below = zip(measurements, found).filter { $0.y < $1 }.count
    #expect(abs(Double(below) / Double(measurements.count) - 0.9) < 0.03)
  }

  @Test("half of the channels are trained away")
  func trainsSparse() throws {
    let folder = try Folder()
    try GraphText.model(
      "x: float[N, 1, 4, 4]\nc = Conv(x, w[32, 1, 4, 4], b[32])\nr = Relu(c)\n"
        + "f = Flatten(r)\ny = Gemm(f, v[32, 3], a[3])\nreturn y", scalesWeights: true
    ).write(to: folder.path("model.onnx"))
    try NumPyFile.writeArchive(Self.bars(240, seed: 1), to: folder.path("bars.npz"))
    #expect(
      try trainSparse(folder.path("model.onnx"), on: folder.path("bars.npz"), epochs: 4, to: folder.path("half.onnx"))
        == 0.5)
    let half = try Model(contentsOf: folder.path("half.onnx"))
    #expect(half.graph.initializers[0].tensor.shape == [16, 1, 4, 4])
  }

  @Test("channels of small norms go until half of the work is left")
  func prunes() throws {
    let folder = try Folder()
    try GraphText.model(LibraryTests.chain).write(to: folder.path("model.onnx"))
    try pruneByMagnitude(folder.path("model.onnx"), to: folder.path("half.onnx"))
    let half = try Model(contentsOf: folder.path("half.onnx"))
    #expect(half.graph.initializers.map(\.tensor.shape) == [[32, 3, 3, 3], [32], [4, 32, 1, 1]])
  }

  @Test("rounds of a criterion that runs the model leave as much")
  func rounds() throws {
    let folder = try Folder()
    try GraphText.model(LibraryTests.chain).write(to: folder.path("model.onnx"))
    let plan = try planByFlow(of: folder.path("model.onnx"), rounds: 3)
    #expect(plan.groups.map(\.keep.count) == [32])
  }

  @Test("layers make up for most of what goes")
  func repairs() throws {
    let folder = try Folder()
    try GraphText.model(
      "x: float[N, 1, 4, 4]\nc = Conv(x, w[32, 1, 4, 4], b[32])\nr = Relu(c)\n"
        + "f = Flatten(r)\ny = Gemm(f, v[32, 3], a[3])\nreturn y", scalesWeights: true
    ).write(to: folder.path("model.onnx"))
    try NumPyFile.writeArchive(Array(Self.bars(240, seed: 1).prefix(1)), to: folder.path("samples.npz"))

    let missing = try pruneWithRepair(
      folder.path("model.onnx"), samples: folder.path("samples.npz"), to: folder.path("half.onnx"))

    #expect(missing > 0)
    #expect(missing < 0.5)
    let half = try Model(contentsOf: folder.path("half.onnx"))
    #expect(half.graph.initializers.map(\.tensor.shape) == [[16, 1, 4, 4], [16], [16, 3], [3]])
  }

  // MARK: Data

  /// Noise of 4 × 4 pixels, one third of which is brighter: which third is the class.
  private static func bars(_ count: Int, seed: UInt64) -> [Tensor] {
    var random = CounterRandom(seed: seed)
    let pixels = (0..<count * 16).map { index in
      Float(random.number(below: 100)) / 100 + (index % 16 / 6 == index / 16 % 3 ? 0.6 : 0)
    }
    return [
      Tensor(name: "x", floats: pixels, shape: [count, 1, 4, 4]),
      Tensor(name: "label", int64s: (0..<count).map { Int64($0 % 3) }),
    ]
  }

  /// Drawn by hand in sixteen shades, then as the model was taught: from −1 to 1.
  private static let zero = picture(
    "00084000", "008ff800", "00f00f00", "00c00c80", "00800880", "00c00c80", "008c8f00", "000ff800")
  private static let one = picture(
    "000cf000", "004ff000", "00cff000", "008ff000", "000ff000", "000ff000", "000ff000", "000cf800")

  private static func picture(_ rows: String...) -> [Float] {
    rows.joined().map { Float($0.hexDigitValue ?? 0) / 8 - 1 }
  }
}
