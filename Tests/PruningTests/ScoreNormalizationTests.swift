import Testing

@testable import Pruning

@Suite("Normalisation")
struct NormalizationTests {
  @Test(
    "scores are divided by what the name says",
    arguments: [
      (ScoreNormalization.none, [1, 3, 4]), (.sum, [0.125, 0.375, 0.5]), (.mean, [0.375, 1.125, 1.5]),
      (.max, [0.25, 0.75, 1]), (.standardise, [-1.3363062, 0.2672612, 1.0690450]),
      (.lamp, [1.0 / 26, 9.0 / 25, 1]),
    ] as [(ScoreNormalization, [Double])])
  func values(way: ScoreNormalization, expected: [Double]) {
    for (found, expected) in zip(way.apply([1, 3, 4]), expected) { #expect(abs(found - expected) < 1e-6) }
  }

  @Test("no normalisation changes an order, divides by zero or lets a number pass that is none")
  func degenerate() {
    for way in ScoreNormalization.allCases {
      #expect(way.apply([0, 0]).allSatisfy { $0 == 0 })
      #expect(way.apply([.nan, 1, .infinity, 2]).map(\.isFinite) == [false, true, false, true])
      #expect(way.apply([]).isEmpty)
      let normalized = way.apply([3, 1, 2])
      #expect(normalized[1] < normalized[2] && normalized[2] < normalized[0])
    }
  }
}
