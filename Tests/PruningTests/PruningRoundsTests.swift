import Analysis
import Dimensions
import IR
import TestSupport
import Testing

@testable import Pruning

@Suite("Rounds of pruning")
struct PruningRoundsTests {
  /// Scores by the magnitudes of weights, except that what is gone is worth more than anything.
  private struct Mourning: Criterion {
    func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
      try Magnitude(power: .square).scores(for: group, in: context).map { $0 == 0 ? 1e6 : $0 }
    }
  }

  /// What each round found, and what the last decided.
  private func rounds(
    _ count: Int, _ text: String, _ options: SelectionOptions, _ scoring: Scoring = .magnitude(p: 2)
  ) throws -> (analysis: ModelAnalysis, alive: [KeepSets], selection: Selection) {
    let model = try GraphText.model(text)
    let analysis = try ModelAnalysis(model)
    var alive: [KeepSets] = []
    let selection = try PruningRounds(count, of: model, analysis).select(
      scoring: scoring, options: options,
      measure: { round, _, _ in
        alive.append(round.alive)
        return .none
      })
    return (analysis, alive, selection)
  }

  // MARK: How far a round goes

  @Test("a round goes as far as its number says, on a logarithmic scale; the last just as far as was asked for")
  func progress() {
    let first = PruningRound(number: 1, of: 2)
    #expect(abs(first.ratio(towards: 0.75) - 0.5) < 1e-12)
    #expect(first.amount(from: 1000, towards: 10) == 100)
    #expect(first.amount(from: 1000, towards: 2000) == 2000)
    #expect(first.amount(from: 0, towards: 0) == 0)
    let last = PruningRound(number: 2, of: 2)
    #expect(last.ratio(towards: 0.75) == 0.75 && last.amount(from: 1000, towards: 10) == 10)
    #expect(first.describing("scoring") == "round 1 of 2: scoring")
    #expect(PruningRound.only.describing("scoring") == "scoring")
  }

  @Test("a ratio leaves the same share in every round, and rules' ratios too")
  func shares() throws {
    let text = """
      x: float[1, 2]
      h = MatMul(x, a[2, 64])
      g = MatMul(h, b[64, 81])
      y = MatMul(g, c[81, 2])
      return y
      """
    var options = SelectionOptions(ratio: 0.75)
    options.roundTo = 1
    options.rules = [try Rule(parsing: "tensor=c:ratio=\(8.0 / 9)")]
    let (analysis, alive, selection) = try rounds(2, text, options)
    #expect(alive.count == 2)
    #expect(analysis.groups.map { alive[1][$0.dimension]?.count } == [32, 27])
    #expect(selection.decisions.map(\.keep.count) == [16, 9])
  }

  @Test("numbers of rounds out of range are refused in one line", arguments: [-1, 0, 1001])
  func range(count: Int) throws {
    #expect {
      try PruningRounds.check(count)
    } throws: { error in
      "\(error)" == "rounds must be from 1 to 1000, not \(count)"
    }
  }

  // MARK: What stays

  @Test("one round decides what there was to decide without rounds, to the byte", arguments: ["l2", "fpgm", "random"])
  func once(criterion: String) throws {
    for options in [SelectionOptions(ratio: 0.4), SelectionOptions(.macs(.fraction(0.5)))] {
      let scoring = try Scoring(named: criterion)
      let (analysis, _, selection) = try rounds(1, Graphs.residual(), options, scoring)
      let plan = try Plan(of: analysis, scoring: scoring, options: options)
      #expect(Plan(selection: selection, analysis: analysis).text == plan.text)
      #expect(!plan.text.contains("rounds"))
    }
  }

  @Test(
    "what a round removes does not come back, and the last round meets the target", arguments: ["l2", "fpgm", "lamp"])
  func nested(criterion: String) throws {
    for budget in [Budget(.macs, .fraction(0.4)), Budget(.parameters, .absolute(200_000))] {
      let options = SelectionOptions(.budgets([budget]))
      let (analysis, alive, selection) = try rounds(5, Graphs.residual(), options, try Scoring(named: criterion))
      let kept = alive + [selection.keepSets(analysis)]
      #expect(kept.count > 3)
      for (before, after) in zip(kept, kept.dropFirst()) {
        for group in analysis.groups {
          let whole = Array(0..<Int32(group.size))
          let (old, new) = (before[group.dimension] ?? whole, after[group.dimension] ?? whole)
          #expect(Set(old).isSuperset(of: new), "\(group.id)")
        }
      }
      let outcome = try #require(selection.record.budgets.first)
      #expect(outcome.achieved <= outcome.atMost && 20 * outcome.achieved >= 17 * outcome.atMost)
      #expect(outcome.atMost == budget.limit.amount(of: outcome.original))
      #expect(Plan(selection: selection, analysis: analysis).text.contains("\"rounds\": 5"))
    }
  }

  @Test("a channel that is gone does not come back however high it scores")
  func gone() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    let text = "x: float[1, 2]\nh = MatMul(x, a[2, 16])\ny = MatMul(h, b[16, 2])\nreturn y"
    let (analysis, _, selection) = try rounds(4, text, options, Scoring(Mourning()))
    let plan = try Plan(of: analysis, options: options)
    #expect(selection.decisions.map(\.keep) == plan.groups.map(\.keep))
  }

  @Test("a budget that cannot be reached is refused before anything is measured")
  func unreachable() throws {
    let model = try GraphText.model(Graphs.residual())
    let analysis = try ModelAnalysis(model)
    var options = SelectionOptions(.macs(.fraction(0.01)))
    options.minimumKeepShare = 0.5
    var measured = 0
    #expect(throws: SelectionError.self) {
      try PruningRounds(8, of: model, analysis).select(
        scoring: .magnitude(p: 2), options: options,
        measure: { _, _, _ in
          measured += 1
          return .none
        })
    }
    #expect(measured == 0)
  }

  @Test("where a round removes nothing the next one scores nothing anew, and what was asked for is the ratio's")
  func idleRounds() throws {
    let model = try GraphText.model("x: float[1, 2]\nh = MatMul(x, a[2, 64])\ny = MatMul(h, b[64, 2])\nreturn y")
    var (measured, scored) = ([Int](), [Int]())
    // A tenth of 64 is 6; rounds that ask for 63, 61 and 60 keep 64, 64 and 56.
    let selection = try PruningRounds(4, of: model, try ModelAnalysis(model)).select(
      scoring: .magnitude(p: 2), options: SelectionOptions(ratio: 0.1),
      measure: { round, _, _ in
        measured.append(round.number)
        return .none
      }, scored: { round, _, _ in scored.append(round.number) })
    #expect(measured == [1, 4] && scored == [1, 4])
    #expect(selection.decisions.map(\.keep.count) == [56])
    #expect(selection.decisions.map(\.asked) == [58])
  }

  // MARK: What is compared

  @Test("what is gone counts in no mean and no sum")
  func normalisation() {
    #expect(ScoreNormalization.mean.apply([1, 100, 3], to: [0, 2]) == [0.5, -.infinity, 1.5])
    #expect(ScoreNormalization.sum.apply([1, 100, 3], to: [0, 2]) == [0.25, -.infinity, 0.75])
    #expect(ScoreNormalization.standardise.apply([1, 100, 3], to: [0, 2]) == [-1, -.infinity, 1])
    #expect(ScoreNormalization.mean.apply([1, 3], to: nil) == [0.5, 1.5])
  }

  @Test("fpgm measures no distance to a filter that is gone")
  func geometricMedian() throws {
    let analysis = try GraphText.analysis(Graphs.pair, filling: Graphs.pairNumbers)
    var alive = KeepSets()
    alive[analysis.groups[0].dimension] = [0, 2]
    let context = ScoringContext(analysis: analysis, alive: alive)
    // Filters (3,4) and (0,2).
    let distance = Float(13).squareRoot()
    #expect(isClose(try FPGM().scores(for: analysis.groups[0], in: context), [distance, 0, distance]))
  }

  @Test("shares refer to the whole width: what is gone counts towards them")
  func wholeWidths() throws {
    let analysis = try GraphText.analysis(
      "x: float[1, 2]\nh = MatMul(x, a[2, 32])\ny = MatMul(h, b[32, 2])\nreturn y")
    var options = SelectionOptions(ratio: 0.5)
    var alive = KeepSets()
    alive[analysis.groups[0].dimension] = Array(Int32(8)..<32)
    let round = PruningRound(number: 2, of: 2, alive: alive)
    let half = try Selection(analysis: analysis, scoring: .magnitude(p: 2), options: options, round: round)
    #expect(half.decisions.map(\.keep.count) == [16])
    #expect(half.decisions.allSatisfy { $0.keep.allSatisfy { $0 >= 8 } })
    options.maximumRatio = 0.25
    let most = try Selection(analysis: analysis, scoring: .magnitude(p: 2), options: options, round: round)
    #expect(most.decisions.map(\.keep) == [Array(Int32(8)..<32)])
  }

  // MARK: The model of a round

  @Test("the analysis of a zeroed model holds its numbers, also of vectors that nodes share")
  func zeroed() throws {
    let model = try GraphText.model(
      """
      x: float[1, 3, 4, 4]
      a = Conv(x, wa[4, 3, 1, 1], v[4])
      b = Conv(x, wb[4, 3, 1, 1], v)
      c = Conv(a, wc[2, 4, 1, 1])
      d = Conv(b, wd[2, 4, 1, 1])
      y = Add(c, d)
      return y
      """)
    let analysis = try ModelAnalysis(model)
    let found = analysis.groups.first { group in
      group.members.contains { analysis.weights[$0.weight].name == "wa" && $0.axis == 0 }
    }
    let group = try #require(found)
    var keep = KeepSets()
    keep[group.dimension] = [0, 3]
    let zeroed = try ZeroedModel(model, analysis, keeping: keep)
    #expect(zeroed.analysis.weights.map(\.name) == analysis.weights.map(\.name))
    for (old, new) in zip(analysis.weights, zeroed.analysis.weights) {
      let before = try #require(old.tensor.floats())
      let after = try #require(new.tensor.floats())
      let isCut = old.axes.contains { analysis.dimensions.root($0) == group.dimension }
      #expect(isCut == (before != after), "\(old.name) \(old.useLabel ?? "")")
      #expect(zip(before, after).allSatisfy { $1 == $0 || $1 == 0 })
    }
    #expect(analysis.weights.count(where: { $0.name == "v" }) == 2)
  }

  @Test("what divides stays as it is in a zeroed model, also where something else reads it")
  func divisors() throws {
    let model = try GraphText.model(
      """
      x: float[1, 3, 4, 4]
      h = Conv(x, w[4, 3, 1, 1])
      d = Div(h, s[4, 1, 1]+)
      y = Conv(d, u[2, 4, 1, 1])
      return y
      """)
    let removals = ["w", "s"].map { Plan.Removal(tensor: $0, axis: 0, indices: [1], node: nil) }
    func numbers(_ model: Model, node: Int, input: Int) throws -> [Float] {
      let value = model.graph.nodes[node].input(input)
      let found = model.graph.initializers.first { $0.value == value }
      let floats = try #require(found).tensor.floats()
      return try #require(floats)
    }
    let zeroed = try model.zeroing(removals, keepingDivisors: true)
    #expect(try numbers(zeroed, node: 1, input: 1) == numbers(model, node: 1, input: 1))
    #expect(try numbers(zeroed, node: 0, input: 1)[3..<6].allSatisfy { $0 == 0 })
    #expect(try numbers(try model.zeroing(removals), node: 1, input: 1)[1] == 0)

    var shared = model
    shared.graph.nodes[2].opType = "Mul"
    shared.graph.nodes[2].inputs[1] = shared.graph.nodes[1].inputs[1]
    let both = try shared.zeroing(removals, keepingDivisors: true)
    #expect(try numbers(both, node: 1, input: 1) == numbers(model, node: 1, input: 1))
    #expect(try numbers(both, node: 2, input: 1)[1] == 0)
  }

  @Test("a layer of a model that reads what its analysis does not know is left out")
  func unknownInput() throws {
    var model = try GraphText.model(Graphs.pair)
    let analysis = try ModelAnalysis(model)
    #expect(LinearLayers(model, analysis).all.count == 2)
    model.graph.nodes[1].inputs[0] = model.addValue(named: "later")
    #expect(LinearLayers(model, analysis).all.map(\.node) == [0])
  }
}
