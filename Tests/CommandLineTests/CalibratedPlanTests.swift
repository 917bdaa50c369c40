import Coppice
import Foundation
import Testing

/// Options of the command line and of pipeline files are two ways to say the same.
@Suite("Calibrated plans")
struct CalibratedPlanTests {
  private static let network = """
    x: float[N, 4]
    h = Gemm(x, a[4, 32])
    r = Relu(h)
    y = Gemm(r, b[32, 3])
    return y
    """

  private static var samples: [Tensor] {
    var random = CounterRandom(seed: 3)
    return [
      Tensor(name: "x", floats: (0..<384).map { _ in Float(random.number(below: 1000)) / 500 - 1 }, shape: [96, 4]),
      Tensor(name: "label", int64s: (0..<96).map { Int64($0 % 3) }),
    ]
  }

  private func removed(_ name: String, in folder: URL) throws -> [Plan.Removal] {
    let bytes = try Data(contentsOf: folder.appending(path: name))
    return try #require(try PlanFile(parsing: bytes, path: name).removed)
  }

  @Test("a pipeline decides as the command does", arguments: ["obspa", "hessian"])
  func sameDecision(criterion: String) throws {
    let tool = try Tool()
    try SmallModels.write(Self.network, to: tool.folder.appending(path: "net.onnx").path)
    try NumPyFile.writeArchive(Self.samples, to: tool.folder.appending(path: "samples.npz").path)
    let pipeline = """
      coppice: 1
      model: net.onnx
      pipeline:
        - prune:
            {criterion: \(criterion), ratio: 0.5, round_to: 1, data: samples.npz, samples: 64, damping: 0.1, seed: 5}
      output: {model: small.onnx, plan: run.json}
      """
    try Data(pipeline.utf8).write(to: tool.folder.appending(path: "net.yaml"))
    let run = try tool.run("coppice run net.yaml")
    try #require(run.code == 0, "\(run.err)")
    let plan = try tool.run(
      "coppice plan net.onnx --criterion \(criterion) --ratio 0.5 --round-to 1 --data samples.npz --samples 64 "
        + "--damping 0.1 --seed 5 -o plan.json")
    try #require(plan.code == 0, "\(plan.err)")
    let expected = try removed("plan.json", in: tool.folder)
    #expect(!expected.isEmpty)
    #expect(try removed("run.json", in: tool.folder) == expected)
  }

  @Test("memory for moments that cannot be meant is refused", arguments: [0, 1 << 21])
  func momentMemory(megabytes: Int) throws {
    let outcome = try Tool().run("coppice prune chain.onnx --ratio 0.5 --moment-memory \(megabytes) -o a.onnx")
    #expect(outcome.code == 64)
    #expect(outcome.err.contains("--moment-memory must be from 1 to 1048576"), "\(outcome.err)")
  }
}
