import Analysis
import IR
import Pruning
import TestSupport
import Testing

/// Scores from numbers measured of each element of a weight, worked out by hand.
@Suite("Criteria of measured elements")
struct ElementCriteriaTests {
  /// Columns of `a` are (3,4), (1,0), (0,2), rows of `b` (1,0), (0,3), (2,0); what is measured of them is as irregular.
  /// Products by channel: 3−4, 2, 1 in `a` and 2, −3, −6 in `b`.
  private static let measured: [String: [Float]] = ["a": [1, 2, 3, -1, 5, 0.5], "b": [2, 7, 1, -1, -3, 4]]

  private func context(
    _ text: String = Graphs.pair, filling numbers: [String: [Float]] = Graphs.pairNumbers,
    measuring measurement: Measurement, _ measured: [String: [Float]] = Self.measured,
    aggregation: Aggregation = .sum, members: MemberScope? = nil
  ) throws -> ScoringContext {
    let analysis = try GraphText.analysis(text, filling: numbers)
    var evidence = Evidence()
    evidence.elements[measurement] = analysis.weights.map { weight -> Tensor? in
      measured[weight.name].map { Tensor(floats: $0, shape: weight.tensor.shape) }
    }
    return ScoringContext(analysis: analysis, aggregation: aggregation, members: members, evidence: evidence)
  }

  private func scores(_ criterion: any Criterion, _ context: ScoringContext) throws -> [Float] {
    try criterion.scores(for: try #require(context.analysis.groups.first), in: context)
  }

  private func scores(_ criterion: any Criterion, members: MemberScope? = nil) throws -> [Float] {
    let measurement = try #require(criterion.measurements.first)
    return try scores(criterion, context(measuring: measurement, members: members))
  }

  @Test("snip, crop and synflow add up magnitudes of products")
  func magnitudes() throws {
    for criterion in [SNIP(), CroP(), SynapticFlow()] as [any Criterion] {
      #expect(isClose(try scores(criterion), [9, 5, 7]), "\(criterion.name)")
    }
  }

  @Test("grasp keeps signs, and removes what adds to the gradient flow where it goes: the most negative first")
  func signed() throws { #expect(isClose(try scores(GraSP()), [1, -1, -5])) }

  @Test("fisher multiplies by squares of weights, hessian by half of them, whatever their sign")
  func squares() throws {
    #expect(isClose(try scores(FisherInformation()), [-5, -7, -10]))
    #expect(isClose(try scores(HessianDiagonal()), [-2.5, -3.5, -5]))
  }

  @Test("taylor is the magnitude of the sum over the columns that read a channel, taylor2 its square")
  func taylor() throws {
    #expect(isClose(try scores(Taylor()), [2, 3, 6]))
    #expect(isClose(try scores(Taylor(.square)), [4, 9, 36]))
    #expect(isClose(try scores(Taylor(), members: .producers), [1, 2, 1]))
  }

  @Test("in taylor signs cancel over all that read a channel, however weights are put together")
  func cancellation() throws {
    let text = """
      x: float[1, 2]
      h = MatMul(x, a[2, 2])
      y = MatMul(h, b[2, 2])
      z = MatMul(h, c[2, 2])
      return y, z
      """
    for aggregation in Aggregation.allCases {
      let context = try context(
        text, filling: ["b": [1, 0, 2, 0], "c": [1, 0, 1, 0]], measuring: .gradients,
        ["a": [1, 1, 1, 1], "b": [2, 9, 1, 9], "c": [-2, 9, 3, 9]], aggregation: aggregation)
      #expect(isClose(try scores(Taylor(), context), [0, 5]))
      #expect(context.fallbacks.isEmpty)
    }
  }

  @Test("vectors belong to the channel as rows and columns do")
  func vectors() throws {
    let context = try context(
      """
      x: float[1, 1, 4]
      h = Conv(x, a[2, 1, 2], v[2])
      y = Conv(h, b[2, 2, 1])
      return y
      """, filling: ["a": [1, 2, 3, 4], "v": [5, 6], "b": [1, 2, 3, 4]], measuring: .gradients,
      ["a": [1, 1, 1, 1], "v": [1, 1], "b": [1, 1, 1, 1]])
    #expect(isClose(try scores(SNIP(), context), [3 + 5 + 4, 7 + 6 + 6]))
  }

  @Test("a weight that was not measured adds nothing, to a mean either")
  func unmeasured() throws {
    let context = try context(measuring: .gradients, ["b": Self.measured["b"] ?? []], aggregation: .mean)
    #expect(isClose(try scores(SNIP(), context), [2, 3, 6]))
    #expect(context.fallbacks.isEmpty)
  }

  @Test("taylor scores by the weights that make a channel where no reader was measured, and says so")
  func makers() throws {
    let context = try context(measuring: .gradients, ["a": Self.measured["a"] ?? []])
    #expect(isClose(try scores(Taylor(), context), [1, 2, 1]))
    #expect(context.fallbacks.map(\.groups) == [[context.analysis.groups[0].id]])
  }

  @Test(
    "a group of which nothing was measured is scored by l2, which is said",
    arguments: ["snip", "grasp", "crop", "synflow", "taylor", "taylor2", "fisher", "hessian"])
  func nothing(name: String) throws {
    let criterion = try #require(Criteria.named(name))
    let measurement = try #require(criterion.measurements.first)
    let context = try context(measuring: measurement, [:], aggregation: .mean)
    #expect(isClose(try scores(criterion, context), [3, 2, 2]))
    #expect(context.fallbacks.count == 1)
    #expect(context.fallbacks.allSatisfy { $0.reason.hasPrefix("\(name): ") })
  }

  @Test("a measured number that is not finite is told by its weight")
  func notFinite() throws {
    let context = try context(measuring: .gradients, ["a": [.nan, 2, 3, -1, 5, 0.5], "b": Self.measured["b"] ?? []])
    let scores = try scores(SNIP(), context)
    #expect(scores.map(\.isFinite) == [false, true, true])
    #expect(context.nonFiniteTensors == ["a"])
  }
}
