import Analysis
import Dimensions
import TestSupport
import Testing

@testable import Pruning

@Suite("Cost model")
struct CostModelTests {
  @Test("costs are products of kept numbers; sizes known at run time count as one")
  func closedForm() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[N, 3, 8, 8]
      a = Conv(x, w1[16, 3, 3, 3], b1[16])
      y = Conv(a, w2[4, 16, 1, 1])
      return y
      """)
    let model = CostModel(analysis)
    let cost = model.statistics([10])
    #expect(cost.parameters == 10 * 27 + 10 + 40)
    #expect(cost.bytes == 4 * cost.parameters)
    #expect(cost.macs == 36 * (10 * 27 + 40))
  }

  @Test("a concatenation costs the sum of its parts")
  func concatenation() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1])
      b = Conv(x, w2[8, 3, 1, 1])
      c = Concat(a, b) { axis: 1 }
      y = Conv(c, w3[4, 24, 1, 1])
      return y
      """)
    #expect(analysis.groups.map(\.size) == [16, 8])
    #expect(CostModel(analysis).statistics([5, 7]).parameters == 15 + 21 + 4 * 12)
  }

  @Test("a shared vector costs a copy for each way it is cut")
  func sharedVector() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1], zero[16])
      b = Conv(a, w2[16, 16, 1, 1], zero)
      y = Conv(b, w3[4, 16, 1, 1])
      return y
      """)
    let model = CostModel(analysis)
    let matrices = { (a: Int, b: Int) in 3 * a + a * b + 4 * b }
    #expect(model.statistics([16, 16]).parameters == matrices(16, 16) + 16)
    #expect(model.statistics([10, 16]).parameters == matrices(10, 16) + 10 + 16)
    #expect(model.statistics([10, 12]).parameters == matrices(10, 12) + 22)
  }

  @Test("changing one group at a time gives what evaluating it all gives")
  func incremental() throws {
    let model = CostModel(try GraphText.analysis(Graphs.residual()))
    var counts = model.sizes
    var state = CostState(model, counts)
    for step in 0..<200 {
      let group = step * 7 % counts.count
      counts[group] = 1 + (step * 31) % model.sizes[group]
      state.set(group, to: counts[group])
      #expect(state.total == model.statistics(counts))
    }
  }

  @Test("the result has the size that was foretold")
  func foretold() throws {
    let model = try GraphText.model(Graphs.residual(stages: [16, 32]))
    let analysis = try ModelAnalysis(model)
    let plan = try Plan(of: analysis, options: SelectionOptions(ratio: 0.4))
    let smaller = try ModelAnalysis(try model.keeping(try plan.keepSets(analysis), analysis: analysis))
    #expect(ModelStatistics(smaller) == plan.after)
    #expect(ModelStatistics(analysis) == plan.before)
  }
}
