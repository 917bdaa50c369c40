import Analysis
import IR
import Runtime
import TestSupport
import Testing
import Training

@testable import SparseTraining

/// Which elements are a channel's own.
@Suite("Units")
struct UnitTableTests {
  private func table(_ text: String) throws -> (table: UnitTable, parameters: Parameters) {
    let model = try TrainableModel(try GraphText.model(text), rule: SGD())
    let analysis = try ModelAnalysis(model.model)
    return (
      UnitTable(model.model, analysis, model.parameters, candidates: Array(analysis.groups.indices)), model.parameters
    )
  }

  /// The parameters with elements of units, by name, each with the axis's size.
  private func parts(_ found: (table: UnitTable, parameters: Parameters), thatCount: Bool) -> [String: Int] {
    var parts: [String: Int] = [:]
    for part in found.table.parts where part.counts == thatCount {
      parts[found.parameters.all[part.parameter].name] = part.slices.size
    }
    return parts
  }

  @Test("rows, biases, scales and shifts count, running means go along, variances and columns do not")
  func residual() throws {
    let found = try table(SmallModels.residual)
    #expect(
      parts(found, thatCount: true)
        == ["w1": 16, "b1": 16, "g1": 16, "s1": 16, "w2": 16, "g2": 16, "s2": 16, "w3": 12, "b3": 12])
    #expect(parts(found, thatCount: false) == ["m1": 16, "m2": 16])
    #expect(found.table.count == 28)
    #expect(Set(found.table.sizes) == [27 + 1 + 2 + 144 + 2, 144 + 1])
  }

  @Test("where zero becomes another number on the way, the columns that read it go along")
  func sigmoid() throws {
    let text = "x: float[N, 6]\nh = Gemm(x, w1[6, 8], b1[8])\na = Sigmoid(h)\ny = MatMul(a, w2[8, 3])\nreturn y"
    let found = try table(text)
    #expect(parts(found, thatCount: true) == ["w1": 8, "b1": 8])
    #expect(parts(found, thatCount: false) == ["w2": 8])
  }

  @Test("a group whose channels matter where they are zero is left alone, with the reason")
  func normalized() throws {
    let text = """
      x: float[N, 6]
      h = Gemm(x, w1[6, 8], b1[8])
      n = LayerNormalization(h, g[8], s[8])
      y = MatMul(n, w2[8, 3])
      return y
      """
    let found = try table(text)
    #expect(found.table.count == 0)
    #expect(found.table.skipped.first?.reason.contains("where they are zero too") == true)
  }

  @Test("concatenated channels are units of their own groups")
  func concatenated() throws {
    let text = """
      x: float[N, 3, 4, 4]
      a = Conv(x, w1[4, 3, 1, 1])
      b = Conv(x, w2[6, 3, 1, 1])
      c = Concat(a, b) { axis: 1 }
      n = BatchNormalization(c, g[10]+, s[10], m[10], v[10]+)
      y = Conv(n, w3[2, 10, 1, 1])
      return y
      """
    let found = try table(text)
    let scale = found.table.parts.filter { found.parameters.all[$0.parameter].name == "g" }
    #expect(scale.count == 2)
    #expect(scale.map { part in part.units.count(where: { $0 >= 0 }) }.sorted() == [4, 6])
    let first = try #require(scale.first)
    let second = try #require(scale.last)
    #expect(zip(first.units, second.units).allSatisfy { ($0 < 0) != ($1 < 0) })
  }
}
