import Analysis
import TestSupport
import Testing

@testable import Pruning

@Suite("Budgets")
struct BudgetTests {
  @Test(
    "a budget is held and used up to one percent of the original, in every scope", arguments: Quantity.allCases,
    Scope.allCases)
  func tightness(quantity: Quantity, scope: Scope) throws {
    let analysis = try GraphText.analysis(Graphs.residual(stages: [64, 128, 256]))
    for share in [0.8, 0.5, 0.3] {
      var options = SelectionOptions(.budgets([Budget(quantity, .fraction(share))]))
      options.scope = scope
      options.otherBytes = 5000
      options.addedBytes = 300
      let outcome = try Plan(of: analysis, options: options).record.budgets[0]
      #expect(outcome.achieved <= outcome.atMost)
      #expect(outcome.isTight, "\(outcome.text)")
    }
  }

  @Test("of several budgets all hold and one is tight")
  func several() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    let options = SelectionOptions(
      .budgets([
        Budget(.macs, .fraction(0.5)), Budget(.parameters, .fraction(0.35)), Budget(.size, .fraction(0.9)),
      ])
    )
    let record = try Plan(of: analysis, options: options).record
    #expect(record.budgets.allSatisfy { $0.achieved <= $0.atMost })
    #expect(record.budgets.contains { $0.isTight })
  }

  @Test("what a budget achieves is what the smaller model has")
  func achieved() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    let plan = try Plan(of: analysis, options: SelectionOptions(.macs(.fraction(0.5))))
    #expect(plan.record.budgets[0].achieved == plan.after.macs)
    #expect(plan.record.budgets[0].original == plan.before.macs)
  }

  @Test("a budget out of reach names the least that can be reached")
  func unsatisfiable() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    let options = SelectionOptions(.parameters(.absolute(10)))
    #expect {
      try Plan(of: analysis, options: options)
    } throws: { error in
      guard case SelectionError.unsatisfiable(let missed) = error else { return false }
      let counts = analysis.groups.map { group in max(1, (group.size + 9) / 10) }
      return missed.count == 1 && missed[0].nearest > 10
        && missed[0].nearest <= 2 * CostModel(analysis).statistics(counts).parameters
        && (error as? SelectionError)?.isUsageError == false
    }
  }

  @Test("a budget that holds already removes nothing")
  func idle() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    #expect(try Plan(of: analysis, options: SelectionOptions(.macs(.absolute(.max)))).groups.isEmpty)
    var options = SelectionOptions(.size(.fraction(1)))
    (options.otherBytes, options.addedBytes) = (1000, 100)
    let plan = try Plan(of: analysis, options: options)
    #expect(plan.groups.isEmpty && plan.record.budgets[0].achieved == plan.record.budgets[0].original)
  }

  @Test("what a cut adds to the graph is measured before anything is scored")
  func additions() throws {
    let model = try GraphText.model(Graphs.residual())
    let analysis = try ModelAnalysis(model)
    var options = SelectionOptions(.size(.fraction(0.5)))
    try options.measure(analysis) { keep in
      let pruned = try model.keeping(keep, analysis: analysis)
      return ModelStatistics(analysis, keeping: keep).bytes + 4321 + 7
        * (keep.dimensions.isEmpty ? 0 : pruned.graph.nodes.count)
    }
    #expect(options.otherBytes == 4321 && options.addedBytes > 256 + 7 * model.graph.nodes.count)
  }

  @Test("expensive groups give more where MACs are limited than where parameters are")
  func costs() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    func keptShare(_ quantity: Quantity) throws -> Double {
      let plan = try Plan(of: analysis, options: SelectionOptions(.budgets([Budget(quantity, .fraction(0.6))])))
      let early = plan.groups.filter { $0.size == 32 }
      return early.isEmpty ? 1 : Double(early.reduce(0) { $0 + $1.keep.count }) / Double(early.count * 32)
    }
    #expect(try keptShare(.macs) < keptShare(.parameters))
  }

  @Test("no group is emptied while others with as important channels are whole")
  func balance() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    let plan = try Plan(of: analysis, options: SelectionOptions(.macs(.fraction(0.5))))
    for group in plan.groups { #expect(Double(group.keep.count) >= 0.2 * Double(group.size), "\(group.id)") }
  }
}
