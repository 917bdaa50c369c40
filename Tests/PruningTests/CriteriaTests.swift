import Analysis
import Pruning
import TestSupport
import Testing

@Suite("Criteria")
struct CriteriaTests {
  private func pair() throws -> ModelAnalysis {
    try GraphText.analysis(Graphs.pair, filling: Graphs.pairNumbers)
  }

  @Test("l2 is the mean over the matrices of the norms of a channel's slices")
  func l2() throws { #expect(isClose(try pair().scores(Magnitude(power: .square)), [3, 2, 2])) }

  @Test("l1 is the mean over the matrices of the sums of magnitudes")
  func l1() throws { #expect(isClose(try pair().scores(Magnitude(power: .absolute)), [4, 2, 2])) }

  @Test("vectors count only where the user wants all weights")
  func vectors() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 1, 4]
      h = Conv(x, a[2, 1, 2], v[2])
      y = Conv(h, b[2, 2, 1])
      return y
      """, filling: ["a": [3, 4, 0, 1], "v": [7, 8], "b": [0, 2, 0, 0]])
    #expect(isClose(try analysis.scores(Magnitude(power: .square)), [2.5, 1.5]))
    #expect(isClose(try analysis.scores(Magnitude(power: .square), members: .all), [4, 11.0 / 3]))
  }

  @Test(
    "members choose the weights looked at",
    arguments: [(MemberScope.producers, [5, 1, 2]), (.consumers, [1, 3, 2]), (.matrices, [3, 2, 2])]
      as [(MemberScope, [Float])])
  func members(scope: MemberScope, expected: [Float]) throws {
    #expect(isClose(try pair().scores(Magnitude(power: .square), members: scope), expected))
  }

  @Test(
    "aggregations put the weights' scores together",
    arguments: [
      (Aggregation.sum, [6, 4, 4]), (.mean, [3, 2, 2]), (.max, [5, 3, 2]), (.first, [5, 1, 2]),
      (.product, [2.2360680, 1.7320508, 2]),
    ] as [(Aggregation, [Float])])
  func aggregation(way: Aggregation, expected: [Float]) throws {
    #expect(isClose(try pair().scores(Magnitude(power: .square), aggregation: way), expected))
  }

  @Test("lamp divides the square by the squares of all that are not smaller")
  func lamp() throws {
    // Norms 3, 2, 2: of equal ones the first counts as the larger.
    #expect(isClose(try pair().scores(LAMP()), [1, 4.0 / 13, 4.0 / 17]))
  }

  @Test("fpgm adds up distances between the filters that make the channels")
  func geometricMedian() throws {
    // Filters (3,4), (1,0), (0,2).
    let (d01, d02, d12) = (Float(20).squareRoot(), Float(13).squareRoot(), Float(5).squareRoot())
    #expect(isClose(try pair().scores(FPGM()), [d01 + d02, d01 + d12, d02 + d12]))
  }

  private static let normalized = """
    x: float[1, 1, 4, 4]
    h = Conv(x, a[3, 1, 1, 1])
    n = BatchNormalization(h, gamma[3], beta[3], mean[3], var[3])
    y = Conv(n, b[2, 3, 1, 1])
    return y
    """

  @Test("bn-scale is the magnitude of the scale and of no other vector")
  func batchNormScale() throws {
    let analysis = try GraphText.analysis(Self.normalized, filling: ["gamma": [-0.5, 2, 1], "beta": [9, 9, 9]])
    #expect(isClose(try analysis.scores(BatchNormScale()), [0.5, 2, 1]))
  }

  @Test("bn-scale finds a scale that other nodes share")
  func sharedScale() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 1, 4, 4]
      h = Conv(x, a[3, 1, 1, 1])
      n = BatchNormalization(h, gamma[3], beta[3], beta, gamma)
      y = Conv(n, b[2, 3, 1, 1])
      return y
      """, filling: ["gamma": [-0.5, 2, 1], "beta": [9, 9, 9]])
    #expect(isClose(try analysis.scores(BatchNormScale()), [0.5, 2, 1]))
  }

  @Test("bn-scale falls back to l2 and says so")
  func fallback() throws {
    let analysis = try pair()
    let context = ScoringContext(analysis: analysis)
    #expect(isClose(try BatchNormScale().scores(for: analysis.groups[0], in: context), [3, 2, 2]))
    #expect(context.fallbacks.map(\.groups) == [[analysis.groups[0].id]])
    var scoring = Scoring.batchNormScale
    scoring.seed = 1
    let selection = try Selection(analysis: analysis, scoring: scoring, options: SelectionOptions(ratio: 0.5))
    #expect(selection.remarks.count == 1)
  }

  @Test("random scores follow the seed")
  func random() throws {
    let analysis = try pair()
    #expect(try analysis.scores(RandomScore(), seed: 1) == analysis.scores(RandomScore(), seed: 1))
    #expect(try analysis.scores(RandomScore(), seed: 1) != analysis.scores(RandomScore(), seed: 2))
  }

  @Test(
    "every criterion ranks a channel with a number that is not finite last", arguments: ["l1", "l2", "lamp", "fpgm"])
  func notFinite(name: String) throws {
    var numbers = Graphs.pairNumbers
    numbers["a"] = [.nan, 1, 0, 4, 0, 2]
    let analysis = try GraphText.analysis(Graphs.pair, filling: numbers)
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    let selection = try Selection(analysis: analysis, scoring: Scoring(named: name), options: options)
    #expect(selection.decisions.map(\.keep) == [[1, 2]])
    #expect(selection.nonFiniteTensors == ["a"])
  }

  @Test("a criterion of a user's own needs one function")
  func own() throws {
    struct LastFirst: Criterion {
      func scores(for group: PruningGroup, in context: ScoringContext) throws -> [Float] {
        (0..<group.size).map { Float($0) }
      }
    }
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    let plan = try Plan(of: try pair(), scoring: Scoring(LastFirst()), options: options)
    #expect(plan.groups.map(\.keep) == [[1, 2]])
    #expect(plan.record.criterion == "LastFirst")
  }

  @Test("names of criteria are unique and found")
  func names() throws {
    #expect(Set(Criteria.all.map(\.name)).count == Criteria.all.count)
    #expect(throws: SelectionError.self) { try Scoring(named: "l3") }
  }
}
