import Analysis
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// The choice of channels in whole models. What a layer loses is measured by fitting the columns that are left anew by
/// Gaussian elimination; inputs are whole numbers, whose products and sums single precision holds.
@Suite("Refinement")
struct RefinementTests {
  private func refined(
    _ model: Model, keep: KeepSets, on x: Tensor, columnLimit: Int = 8192
  ) throws -> (keep: KeepSets, report: Refinement.Report) {
    var options = Refinement.Options()
    options.damping = 0
    options.batch = 16
    options.columnLimit = columnLimit
    options.runtime = RuntimeOptions(workers: .one)
    return try Refinement(of: model, try ModelAnalysis(model), keep: keep, options: options)(on: CalibrationData(x))
  }

  private func input(_ shape: [Int]) -> Tensor {
    var numbers = Numbers(seed: 1)
    return Tensor(floats: numbers.integers(shape.reduce(1, *), in: -2...3).map { Float($0) }, shape: shape)
  }

  /// A matrix of ones on the diagonal and above it, whose inverse is whole too, so that no input is lost.
  private func mixing(_ size: Int) -> [Float] {
    (0..<(size * size)).map { [0, 1].contains($0 % size - $0 / size) ? 1 : 0 }
  }

  /// What the layer misses with these columns alone, and what its outputs vary.
  private func loss(
    _ rows: DenseMatrix, _ weight: DenseMatrix, keeping columns: [Int]
  ) -> (missed: Double, whole: Double) {
    let targets = rows * weight.transposed
    let left = rows.keeping(columns: columns)
    let fitted = targets.regression(on: left)
    let errors = (left * fitted.matrix.transposed).adding(row: fitted.shift) - targets
    return (errors.squaredNorm, targets.centred.squaredNorm)
  }

  /// What the layer misses with these columns alone, as a share of what its outputs vary.
  private func share(_ rows: DenseMatrix, _ weight: DenseMatrix, keeping columns: [Int]) -> Double {
    let found = loss(rows, weight, keeping: columns)
    return found.missed / found.whole
  }

  /// The columns of channels of ``TransposedConvolution``.
  private func columns(of channels: [Int]) -> [Int] { channels.flatMap { Array(($0 * 9)..<($0 * 9 + 9)) } }

  /// What ``TransposedConvolution`` misses, as such a share, where it is in two groups of half of the columns each.
  /// - Parameters:
  ///   - groups: those that are left.
  ///   - channels: those that are left of each group.
  private func share(_ rows: DenseMatrix, _ weight: DenseMatrix, groups: [Int], keeping channels: [Int]) -> Double {
    var (missed, whole) = (0.0, 0.0)
    let width = rows.columns / 2
    for group in groups {
      let own = Array((group * width)..<((group + 1) * width))
      let found = loss(rows.keeping(columns: own), weight.keeping(columns: own), keeping: columns(of: channels))
      missed += found.missed
      whole += found.whole
    }
    return missed / whole
  }

  private func kept(_ keep: KeepSets, _ group: PruningGroup) throws -> [Int] {
    try #require(keep[group.dimension]).map { Int($0) }
  }

  private static let product = "x: float[N, 6]\nh = MatMul(x, a[6, 6])\ny = Gemm(h, b[6, 4])\nreturn y"

  @Test("losses are what is missed without the channels, and no other channel in place of one misses less")
  func product() throws {
    var model = try GraphText.model(Self.product)
    try model.fill("a", mixing(6))
    let analysis = try ModelAnalysis(model)
    let group = try #require(analysis.groups.first)
    let x = input([300, 6])
    let (keep, report) = try refined(model, keep: analysis.halves, on: x)
    let h = try #require(try model.run(x, showing: ["h"])["h"]?.doubles())
    let rows = DenseMatrix(300, 6, h)
    let weight = DenseMatrix(6, 4, try model.numbers("b")).transposed
    let found = try #require(report.groups.first)
    let channels = try kept(keep, group)
    #expect(channels.count == 3)
    #expect(found.id == group.id && found.isLocalOptimum)
    #expect(relativeError([found.lossBefore], [share(rows, weight, keeping: [0, 1, 2])]) <= 1e-6)
    #expect(relativeError([found.lossAfter], [share(rows, weight, keeping: channels)]) <= 1e-6)
    #expect(found.lossAfter <= found.lossBefore)
    for out in channels {
      for into in (0..<6) where !channels.contains(into) {
        let other = share(rows, weight, keeping: channels.filter { $0 != out } + [into])
        #expect(other >= found.lossAfter * (1 - 1e-6))
      }
    }
  }

  @Test("outputs another group has lost do not count")
  func lostOutputs() throws {
    var model = try GraphText.model(
      "x: float[N, 6]\nh = MatMul(x, a[6, 6])\ng = MatMul(h, b[6, 4])\ny = Gemm(g, c[4, 2])\nreturn y")
    try model.fill("a", mixing(6))
    let analysis = try ModelAnalysis(model)
    try #require(analysis.groups.count == 2)
    let x = input([300, 6])
    let (keep, report) = try refined(model, keep: analysis.halves, on: x)
    #expect(report.groups.map(\.id) == analysis.groups.map(\.id))
    let h = try #require(try model.run(x, showing: ["h"])["h"]?.doubles())
    let outputs = try kept(keep, analysis.groups[1])
    let weight = DenseMatrix(6, 4, try model.numbers("b")).transposed.keeping(rows: outputs)
    let channels = try kept(keep, analysis.groups[0])
    let expected = share(DenseMatrix(300, 6, h), weight, keeping: channels)
    #expect(relativeError([report.groups[0].lossAfter], [expected]) <= 1e-6)
  }

  @Test("of a convolution in groups each keeps as many channels, the same ones")
  func groupedConvolution() throws {
    var model = try GraphText.model(
      """
      x: float[N, 8, 5, 5]
      h = Conv(x, a[8, 8, 1, 1])
      y = Conv(h, b[6, 4, 3, 3]) { group: 2 pads: [1, 1, 1, 1] }
      return y
      """)
    try model.fill("a", mixing(8))
    let analysis = try ModelAnalysis(model)
    let (keep, report) = try refined(model, keep: analysis.halves, on: input([40, 8, 5, 5]))
    let pruned = try model.keeping(keep, analysis: analysis)
    #expect(try pruned.tensor("b").shape == model.keeping(analysis.halves, analysis: analysis).tensor("b").shape)
    #expect(report.groups.count == 1)
    for group in report.groups { #expect(group.lossAfter <= group.lossBefore) }
  }

  @Test("of a transposed convolution losses are what is missed without the channels, too")
  func transposedConvolution() throws {
    var model = try GraphText.model(TransposedConvolution.text(channels: 4))
    try model.fill("a", mixing(4))
    let analysis = try ModelAnalysis(model)
    let group = try #require(analysis.groups.first)
    let x = input([40, 4, 3, 3])
    let (keep, report) = try refined(model, keep: analysis.halves, on: x)
    let rows = try TransposedConvolution.rows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = TransposedConvolution.matrix(try model.numbers("b"))
    func share(of channels: [Int]) -> Double {
      self.share(rows, weight, keeping: columns(of: channels))
    }
    let found = try #require(report.groups.first)
    #expect(relativeError([found.lossBefore], [share(of: [0, 1])]) <= 1e-6)
    #expect(try relativeError([found.lossAfter], [share(of: kept(keep, group))]) <= 1e-6)
  }

  @Test("of a transposed convolution in groups each keeps as many channels, the same ones")
  func groupedTransposedConvolution() throws {
    var model = try GraphText.model(
      """
      x: float[N, 8, 3, 3]
      h = Conv(x, a[8, 8, 1, 1])
      y = ConvTranspose(h, b[8, 3, 3, 3]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] }
      return y
      """)
    try model.fill("a", mixing(8))
    let analysis = try ModelAnalysis(model)
    let x = input([40, 8, 3, 3])
    let (keep, report) = try refined(model, keep: analysis.halves, on: x)
    #expect(try model.keeping(keep, analysis: analysis).tensor("b").shape == [4, 3, 3, 3])
    let group = try #require(analysis.groups.first)
    let rows = try TransposedConvolution.rows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = TransposedConvolution.matrix(try model.numbers("b"))
    #expect(report.groups.count == 1)
    let found = try #require(report.groups.first)
    let before = share(rows, weight, groups: [0, 1], keeping: [0, 1])
    let after = try share(rows, weight, groups: [0, 1], keeping: kept(keep, group))
    #expect(relativeError([found.lossBefore], [before]) <= 1e-6)
    #expect(relativeError([found.lossAfter], [after]) <= 1e-6)
  }

  /// The only group of so many channels.
  private func group(of size: Int, in analysis: ModelAnalysis) throws -> PruningGroup {
    let groups = analysis.groups.filter { $0.size == size }
    try #require(groups.count == 1)
    return groups[0]
  }

  @Test(
    "of a transposed convolution outputs do not count that it has lost in each group, or with a group",
    arguments: [[0, 1], [1]] as [[Int32]])
  func lostOutputsOfTransposedConvolution(parts: [Int32]) throws {
    var model = try GraphText.model(
      """
      x: float[N, 8, 3, 3]
      h = Conv(x, a[8, 8, 1, 1])
      t = ConvTranspose(h, b[8, 3, 3, 3]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] }
      y = Conv(t, c[2, 6, 1, 1])
      return y
      """)
    try model.fill("a", mixing(8))
    let analysis = try ModelAnalysis(model)
    let channels = try group(of: 4, in: analysis)
    let outputs = try group(of: 3, in: analysis)
    var chosen = KeepSets()
    chosen[try group(of: 2, in: analysis).dimension] = parts
    chosen[channels.dimension] = [0, 1]
    chosen[outputs.dimension] = [0, 2]
    let x = input([40, 8, 3, 3])
    let (keep, report) = try refined(model, keep: chosen, on: x)
    let rows = try TransposedConvolution.rows(try #require(try model.run(x, showing: ["h"])["h"]))
    let weight = try TransposedConvolution.matrix(model.numbers("b")).keeping(rows: kept(keep, outputs))
    let found = try #require(report.groups.first { $0.id == channels.id })
    let before = share(rows, weight, groups: parts.map { Int($0) }, keeping: [0, 1])
    let after = try share(rows, weight, groups: parts.map { Int($0) }, keeping: kept(keep, channels))
    #expect(relativeError([found.lossBefore], [before]) <= 1e-6)
    #expect(relativeError([found.lossAfter], [after]) <= 1e-6)
  }

  // MARK: Groups that are left alone

  private func skipped(_ text: String, columnLimit: Int = 8192) throws -> [String] {
    let model = try GraphText.model(text)
    let analysis = try ModelAnalysis(model)
    let (keep, report) = try refined(model, keep: analysis.halves, on: input([64, 6]), columnLimit: columnLimit)
    #expect(report.groups.isEmpty && report.swaps == 0)
    for group in analysis.groups { #expect(keep[group.dimension] == analysis.halves[group.dimension]) }
    return report.skipped.map(\.reason)
  }

  @Test("a group that several layers read")
  func severalReaders() throws {
    let reasons = try skipped(
      "x: float[N, 6]\nh = MatMul(x, a[6, 6])\ny = Gemm(h, b[6, 4])\nz = Gemm(h, c[6, 4])\nreturn y, z")
    #expect(reasons == ["2 linear layers read it"])
  }

  @Test("a group that something else sums up")
  func otherReader() throws {
    let reasons = try skipped(
      """
      x: float[N, 6]
      h = MatMul(x, a[6, 6])
      s = ReduceSum(h, axes<1>) { keepdims: 1 }
      y = Gemm(h, b[6, 4])
      return y, s
      """)
    #expect(reasons.count == 1)
    #expect(reasons.allSatisfy { $0.contains("does not pass it on") || $0.contains("change each other") })
  }

  @Test("a group whose channels are normalized together")
  func normalized() throws {
    let reasons = try skipped(
      """
      x: float[N, 6]
      h = MatMul(x, a[6, 6])
      n = LayerNormalization(h, s[6]+)
      y = Gemm(n, b[6, 4])
      return y
      """)
    #expect(reasons.count == 1)
    #expect(reasons.allSatisfy { $0.contains("its channels change each other") })
  }

  @Test("convolution groups of a transposed convolution, which makes channels of them, too")
  func readAndMade() throws {
    // A product with a factor is no linear layer, so that the transposed convolution alone reads its groups.
    let model = try GraphText.model(
      """
      x: float[N, 8, 3, 3]
      h = Conv(x, a[8, 8, 1, 1])
      t = ConvTranspose(h, b[8, 3, 3, 3]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] }
      f = Flatten(t)
      y = Gemm(f, c[150, 4]) { alpha: 0.5 }
      return y
      """)
    let analysis = try ModelAnalysis(model)
    let parts = try group(of: 2, in: analysis)
    let (keep, report) = try refined(model, keep: analysis.halves, on: input([40, 8, 3, 3]))
    let reason = try #require(report.skipped.first { $0.group == parts.id }?.reason)
    #expect(reason.contains("makes channels of it, too"))
    #expect(keep[parts.dimension] == [0])
    let channels = try group(of: 4, in: analysis)
    #expect(report.groups.map(\.id) == [channels.id])
  }

  @Test("a matrix of more columns than allowed")
  func wide() throws {
    let reasons = try skipped(Self.product, columnLimit: 5)
    #expect(reasons.count == 1)
    #expect(reasons.allSatisfy { $0.contains("6 columns, more than 5") })
  }

  @Test("a layer that makes nothing of what it reads loses nothing")
  func zeroMatrix() throws {
    var model = try GraphText.model(Self.product)
    try model.fill("b", [Float](repeating: 0, count: 24))
    let analysis = try ModelAnalysis(model)
    let (_, report) = try refined(model, keep: analysis.halves, on: input([64, 6]))
    #expect(report.groups.isEmpty && report.skipped.count == 1)
    #expect(report.skipped.map(\.reason).allSatisfy { $0.contains("makes nothing of what it reads") })
  }

  @Test("inputs that do not vary say nothing")
  func constantInputs() throws {
    let model = try GraphText.model(Self.product)
    let analysis = try ModelAnalysis(model)
    let x = Tensor(floats: [Float](repeating: 0, count: 64 * 6), shape: [64, 6])
    let (_, report) = try refined(model, keep: analysis.halves, on: x)
    #expect(report.groups.isEmpty && report.skipped.count == 1)
    #expect(report.skipped.map(\.reason).allSatisfy { $0.contains("does not vary on the samples") })
  }
}
