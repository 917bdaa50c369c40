import Analysis
import Dimensions
import TestSupport
import Testing

@testable import Pruning

@Suite("Scores of groups")
struct ScoredGroupsTests {
  private func analysis() throws -> ModelAnalysis {
    try GraphText.analysis(Graphs.pair, filling: Graphs.pairNumbers)
  }

  @Test("scores are the criterion's own, and made comparable as was asked for")
  func normalization() throws {
    let analysis = try analysis()
    var scoring = Scoring.magnitude(p: 2)
    scoring.normalization = .max
    var calls: [[Int]] = []
    let found = try scoring.scores(of: [0], in: analysis) { calls.append([$0, $1]) }
    let entry = try #require(found.entries.first)
    #expect(entry.group == 0)
    let expected = try analysis.scores(Magnitude(power: .square))
    #expect(entry.scores == expected)
    #expect(entry.normalized == ScoreNormalization.max.apply(entry.scores))
    #expect(calls == [[1, 1]])
    #expect(found.fallbacks.isEmpty && found.nonFiniteTensors.isEmpty)
  }

  @Test("where nothing is said, groups are made comparable as is usual for the criterion, and what is gone left out")
  func alive() throws {
    let analysis = try analysis()
    var alive = KeepSets()
    alive[analysis.groups[0].dimension] = [0, 2]
    let found = try Scoring.magnitude(p: 1).scores(of: [0], in: analysis, alive: alive)
    let entry = try #require(found.entries.first)
    #expect(entry.normalized == ScoreNormalization.mean.apply(entry.scores, to: [0, 2]))
    #expect(entry.normalized[1] == -.infinity)
  }

  @Test("it is told which groups were scored in another way, and which tensors hold no numbers")
  func remarks() throws {
    let numbers = Graphs.pairNumbers.merging(["b": [1, .nan, 0, 3, 2, 0]]) { $1 }
    let analysis = try GraphText.analysis(Graphs.pair, filling: numbers)
    let found = try Scoring.batchNormScale.scores(of: [0], in: analysis)
    #expect(found.fallbacks.map(\.groups) == [[analysis.groups[0].id]])
    #expect(found.nonFiniteTensors == ["b"])
  }
}
