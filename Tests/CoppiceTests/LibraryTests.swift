import Coppice
import Foundation
import TestSupport
import Testing

/// What a program that imports Coppice writes.
@Suite("Library")
struct LibraryTests {
  static let chain = """
    x: float[1, 3, 8, 8]
    a = Conv(x, w1[64, 3, 3, 3], b1[64])
    r = Relu(a)
    y = Conv(r, w2[4, 64, 1, 1])
    return y
    """

  @Test("load, group, plan, apply, write")
  func wholeWay() throws {
    let folder = try Folder()
    let path = folder.path("model.onnx")
    try GraphText.model(Self.chain).write(to: path)

    var model = try Model(contentsOf: path)
    let groups = try PruningGroups(of: model)
    let plan = try Plan(for: model, groups: groups, scoring: .magnitude(p: 2), target: .ratio(0.5), roundTo: 8)
    try model.apply(plan)
    try model.write(to: folder.path("half.onnx"))

    #expect(groups.map(\.size) == [64])
    #expect(groups[id: "channel:w1"]?.isExact == true)
    let half = try Model(contentsOf: folder.path("half.onnx"))
    #expect(half.graph.initializers.map(\.tensor.shape) == [[32, 3, 3, 3], [32], [4, 32, 1, 1]])
    #expect(half.metadata.contains { $0.key == "coppice.version" && $0.value == Release.version })
  }

  @Test("a criterion of one's own decides")
  func ownCriterion() throws {
    struct LastFirst: Criterion {
      let name = "last-first"
      func scores(for group: PruningGroup, in context: ScoringContext) -> [Float] {
        (0..<group.size).map { -Float($0) }
      }
    }
    let model = try GraphText.model(Self.chain)
    let plan = try Plan(
      for: model, groups: PruningGroups(of: model), scoring: Scoring(LastFirst()), target: .ratio(0.5))
    #expect(plan.groups.first?.keep == Array(0..<32))
  }

  @Test("a plan for another model is refused and changes nothing")
  func wrongPlan() throws {
    let model = try GraphText.model(Self.chain)
    let plan = try Plan(for: model, groups: PruningGroups(of: model), target: .ratio(0.5))
    var other = try GraphText.model(Self.chain.replacing("64", with: "32"))
    #expect(throws: PlanError.self) { try other.apply(plan) }
    #expect(other.graph.initializers[0].tensor.shape == [32, 3, 3, 3])
  }

  @Test("a criterion nobody knows and ratios that make no sense are errors")
  func mistakes() throws {
    let model = try GraphText.model(Self.chain)
    let groups = try PruningGroups(of: model)
    #expect(throws: SelectionError.self) { try Scoring(named: "l3") }
    #expect(throws: SelectionError.self) { try Plan(for: model, groups: groups, target: .ratio(1)) }
    #expect(throws: SelectionError.self) { try Plan(for: model, groups: groups, target: .ratio(0.5), roundTo: 0) }
    #expect(throws: SelectionError.self) { try Plan(for: model, groups: groups, target: .macs(.absolute(10))) }
  }
}
