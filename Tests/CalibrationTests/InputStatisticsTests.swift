import Analysis
import DataSources
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing
import Training

@testable import Calibration

/// Statistics of layers' inputs, against those computed from outputs of the same model.
@Suite("Statistics of inputs")
struct InputStatisticsTests {
  /// Two layers read `r`; that of `u` reads a constant; `f` has channels last, though there is but one position.
  private static let text = """
    x: float[N, 2, 3, 3]
    h = Conv(x, a[4, 2, 1, 1])
    r = Relu(h)
    y = Conv(r, b[3, 4, 3, 3])
    z = Conv(r, c[2, 4, 1, 1])
    t = Abs(q[1, 2, 3, 3])
    u = Conv(t, e[2, 2, 1, 1])
    s = Add(z, u)
    f = Flatten(y)
    w = Gemm(f, d[3, 5])
    return s, w
    """
  private static let count = 7

  private static func numbers(_ count: Int) -> [Float] {
    var state: UInt64 = 3
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
  }

  private static func samples(_ range: Range<Int>) -> Tensor {
    Tensor(
      name: "x", floats: Array(numbers(count * 18)[(range.lowerBound * 18)..<(range.upperBound * 18)]),
      shape: [range.count, 2, 3, 3])
  }

  private func prepared(batch: Int, workers: Workers = .one) throws -> (model: Model, measuring: Measuring) {
    let model = try GraphText.model(Self.text)
    let data = CalibrationData(count: Self.count, origin: .natural, source: "test", hasLabels: false) {
      range throws(TrainingError) in
      CalibrationData.Samples(inputs: ["x": Self.samples(range)])
    }
    var options = Measuring.Options()
    options.batch = batch
    options.runtime.workers = workers
    return (model, Measuring(model, try ModelAnalysis(model), data: data, options: options))
  }

  /// By the name of the layer's output.
  private func measured(batch: Int, workers: Workers = .one) throws -> [String: ChannelStatistics] {
    let (model, measuring) = try prepared(batch: batch, workers: workers)
    let evidence = try measuring.evidence(for: MeanActivation())
    let layers = try #require(evidence.layers)
    var found: [String: ChannelStatistics] = [:]
    for (index, statistics) in evidence.inputs { found[model.name(of: layers.all[index].output)] = statistics }
    return found
  }

  /// Computed in the simplest way from a whole tensor `[samples, channels, …]`.
  private func expected(_ tensor: Tensor) throws -> ChannelStatistics {
    let values = try #require(tensor.doubles())
    let (channels, inner) = (tensor.shape[1], tensor.shape[2...].reduce(1, *))
    let own = (0..<channels).map { channel in
      values.indices.filter { $0 / inner % channels == channel }.map { values[$0] }
    }
    func means(_ term: (Double) -> Double) -> [Double] {
      own.map { numbers in numbers.reduce(0) { $0 + term($1) } / Double(numbers.count) }
    }
    return ChannelStatistics(
      count: tensor.shape[0] * inner, mean: means { $0 }, meanMagnitude: means { abs($0) },
      meanSquare: means { $0 * $0 }, zeroShare: means { $0 == 0 ? 1 : 0 })
  }

  private func expectClose(_ found: ChannelStatistics, _ expected: ChannelStatistics) {
    #expect(found.count == expected.count)
    for (a, b) in [
      (found.mean, expected.mean), (found.meanMagnitude, expected.meanMagnitude),
      (found.meanSquare, expected.meanSquare), (found.zeroShare, expected.zeroShare),
      (found.variance, expected.variance),
    ] {
      #expect(a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }

  @Test("they equal those of the values themselves, whatever the batch", arguments: [1, 2, 5, 7, 32])
  func statistics(batch: Int) throws {
    var open = try GraphText.model(Self.text)
    for name in ["r", "f"] {
      let value = ValueID(try #require(open.valueNames.firstIndex(of: name)))
      open.graph.outputs.append(ValueInfo(value: value, type: nil))
    }
    let input = Self.samples(0..<Self.count)
    let values = try Session(open).run(["x": input])
    let found = try measured(batch: batch)
    #expect(found.keys.sorted() == ["h", "w", "y", "z"])
    try expectClose(try #require(found["h"]), expected(input))
    let rectified = try expected(try #require(values["r"]))
    #expect(rectified.zeroShare.contains { $0 > 0 })
    expectClose(try #require(found["y"]), rectified)
    expectClose(try #require(found["z"]), rectified)
    try expectClose(try #require(found["w"]), expected(try #require(values["f"])))
  }

  @Test("they are the same to the bit with any number of threads")
  func threads() throws {
    let (one, many) = (try measured(batch: 3), try measured(batch: 3, workers: Workers(count: 3)))
    #expect(one["h"]?.mean == many["h"]?.mean && one["h"]?.meanSquare == many["h"]?.meanSquare)
  }

  @Test("progress is told after each batch, and may stop the work")
  func progress() throws {
    struct Stop: Error {}
    var told: [Int] = []
    let measuring = try prepared(batch: 3).measuring
    _ = try measuring.evidence(for: Wanda()) { _, done, all in
      #expect(all == Self.count)
      told.append(done)
    }
    #expect(told == [3, 6, 7])
    #expect(throws: Stop.self) { try measuring.evidence(for: Wanda()) { _, _, _ in throw Stop() } }
  }

  @Test("a model of exactly so many samples is run on as many, and those left over are left out")
  func fixedSamples() throws {
    let model = try GraphText.model("x: float[3, 2]\nh = MatMul(x, a[2, 4])\ny = MatMul(h, b[4, 2])\nreturn y")
    func data(_ count: Int) -> CalibrationData {
      CalibrationData(count: count, origin: .natural, source: "d.npz", hasLabels: false) {
        range throws(TrainingError) in
        let numbers: [Float] = range.flatMap { index -> [Float] in [Float(index), 1] }
        return CalibrationData.Samples(inputs: ["x": Tensor(floats: numbers, shape: [range.count, 2])])
      }
    }
    let analysis = try ModelAnalysis(model)
    let evidence = try Measuring(model, analysis, data: data(7)).evidence(for: Wanda())
    #expect(evidence.inputs[0]?.count == 6 && evidence.inputs[0]?.mean == [2.5, 1])
    #expect(throws: TrainingError.self) { try Measuring(model, analysis, data: data(2)).evidence(for: Wanda()) }
  }
}
