import Analysis
import Dimensions
import IR
import TestSupport
import Testing

@testable import Pruning

/// What is measured of a pruned model, in the places the channels had.
@Suite("Losses in the places of the whole model")
struct PlacedLossesTests {
  static let texts = [
    // A concatenation, whose axis has channels of two groups.
    """
    x: float[N, 3, 4, 4]
    p = Conv(x, a[4, 3, 1, 1])
    q = Conv(x, b[6, 3, 1, 1])
    j = Concat(p, q) { axis: 1 }
    r = Conv(j, c[8, 10, 1, 1])
    y = Conv(r, d[2, 8, 1, 1])
    return y
    """,
    // A residual stream.
    """
    x: float[N, 6]
    s = Gemm(x, a[6, 8])
    h = Gemm(s, b[8, 5])
    i = Gemm(h, c[5, 8])
    t = Add(s, i)
    y = Gemm(t, d[8, 2])
    return y
    """,
    // Every third channel of a flattened axis is one of a group's.
    """
    x: float[N, 3, 2, 2]
    p = Conv(x, a[6, 3, 1, 1])
    f = Flatten(p)
    h = Gemm(f, b[24, 5])
    y = Gemm(h, c[5, 2])
    return y
    """,
  ]

  /// Keeps every channel but the first and the fourth of each group.
  private func pruned(_ text: String) throws -> (whole: ModelAnalysis, own: ModelAnalysis, keep: KeepSets) {
    let model = try GraphText.model(text)
    let whole = try ModelAnalysis(model)
    var keep = KeepSets()
    for group in whole.groups { keep[group.dimension] = (0..<Int32(group.size)).filter { $0 != 0 && $0 != 3 } }
    return (whole, try ModelAnalysis(model.keeping(keep, analysis: whole)), keep)
  }

  @Test("channels that are left find their losses, those that went have none", arguments: texts)
  func places(text: String) throws {
    let (whole, own, keep) = try pruned(text)
    try #require(whole.groups.count == own.groups.count && whole.groups.count > 1)
    var evidence = Evidence()
    // Groups come in the order of their first members, in both.
    for (index, group) in own.groups.enumerated() {
      evidence.removalLosses[group.dimension] = (0..<group.size).map { Double(100 * index + $0 + 1) }
    }
    let places = try #require(PlacedLosses(in: whole, of: own, keeping: keep))
    let placed = places(evidence)
    for (index, group) in whole.groups.enumerated() {
      var expected = [Double](repeating: 0, count: group.size)
      for (place, channel) in try #require(keep[group.dimension]).enumerated() {
        expected[Int(channel)] = Double(100 * index + place + 1)
      }
      #expect(placed.removalLosses[group.dimension] == expected)
      #expect(placed.stepwiseLosses[group.dimension] == nil)
    }
  }

  @Test("a model pruned otherwise is not taken for this one", arguments: texts)
  func otherWidths(text: String) throws {
    let (whole, own, _) = try pruned(text)
    #expect(PlacedLosses(in: whole, of: own, keeping: KeepSets()) == nil)
    #expect(PlacedLosses(in: own, of: whole, keeping: KeepSets()) == nil)
  }

  @Test("of a group with one channel left, which is none any more, that channel is as dear as can be", arguments: texts)
  func lastChannel(text: String) throws {
    let model = try GraphText.model(text)
    let whole = try ModelAnalysis(model)
    var keep = KeepSets()
    keep[whole.groups[0].dimension] = [2]
    let own = try ModelAnalysis(model.keeping(keep, analysis: whole))
    try #require(own.groups.count == whole.groups.count - 1)
    var evidence = Evidence()
    for group in own.groups { evidence.removalLosses[group.dimension] = [Double](repeating: 0.5, count: group.size) }
    let places = try #require(PlacedLosses(in: whole, of: own, keeping: keep))
    let placed = places(evidence)
    let losses = try #require(placed.removalLosses[whole.groups[0].dimension])
    #expect(losses.enumerated().allSatisfy { $0.element == ($0.offset == 2 ? 1 : 0) })
    #expect(placed.removalLosses.count == whole.groups.count)
  }

  @Test("a group nothing was found of has none there either")
  func partly() throws {
    let (whole, own, keep) = try pruned(Self.texts[1])
    var evidence = Evidence()
    evidence.stepwiseLosses[own.groups[0].dimension] = [Double](repeating: 1, count: own.groups[0].size)
    let places = try #require(PlacedLosses(in: whole, of: own, keeping: keep))
    let placed = places(evidence)
    #expect(placed.stepwiseLosses.count == 1 && placed.removalLosses.isEmpty)
  }
}
