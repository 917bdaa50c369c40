import Analysis
import Pruning
import TestSupport
import Testing

@Suite("Plans")
struct PlanTests {
  private func analysis() throws -> ModelAnalysis { try GraphText.analysis(Graphs.pair, filling: Graphs.pairNumbers) }

  private func plan() throws -> Plan {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    return try Plan(of: try analysis(), options: options)
  }

  private func read(_ text: String) throws -> PlanFile { try PlanFile(parsing: text.utf8, path: "plan.json") }

  @Test("a plan that was written is read back with the same indices")
  func roundTrip() throws {
    let analysis = try analysis()
    let (plan, dimension) = (try plan(), analysis.groups[0].dimension)
    #expect(try read(plan.json.text()).keepSets(analysis)[dimension] == [0, 1])
    #expect(try plan.keepSets(analysis)[dimension] == [0, 1])
  }

  @Test("a plan names what goes of each tensor, and how that was decided")
  func contents() throws {
    let plan = try plan()
    #expect(plan.removed.map { "\($0.tensor).\($0.axis) \($0.indices)" } == ["a.1 [2]", "b.0 [2]"])
    let text = plan.json.text()
    for part in ["\"criterion\": \"l2\"", "\"scope\": \"group\"", "\"asked\": 2"] { #expect(text.contains(part)) }
    #expect(plan.before.parameters == 12 && plan.after.parameters == 8)
  }

  @Test("what chose, and the seed, are read back where a plan has them")
  func origin() throws {
    var scoring = try Scoring(named: "random")
    scoring.seed = UInt64.max
    let plan = try Plan(of: try analysis(), scoring: scoring, options: SelectionOptions(ratio: 0.5))
    let file = try read(plan.json.text())
    #expect(file.criterion == "random" && file.seed == UInt64.max)
    let bare = try read("{\"format\": \"coppice-plan/1\", \"groups\": []}")
    #expect(bare.criterion == nil && bare.seed == nil)
  }

  @Test("where one use of a vector is cut, the plan says at which node")
  func sharedVector() throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[16, 3, 1, 1], zero[16])
      b = Conv(a, w2[16, 16, 1, 1], zero)
      return b
      """)
    let removed = try Plan(of: analysis, options: SelectionOptions(ratio: 0.5)).removed
    #expect(removed.filter { $0.tensor == "zero" }.map(\.node) == ["a"])
  }

  @Test(
    "a text that is no plan is refused",
    arguments: [
      "", "{", "[]", "{\"format\": \"other/1\"}", "{\"format\": \"coppice-plan/1\", \"groups\": [{\"id\": \"x\"}]}",
      "{\"format\": \"coppice-plan/1\", \"groups\": [{\"id\": \"x\", \"size\": 3, \"keep\": []}]}",
      "{\"format\": \"coppice-plan/1\", \"groups\": [{\"id\": \"x\", \"size\": 3, \"keep\": [1, 0]}]}",
      "{\"format\": \"coppice-plan/1\", \"groups\": [{\"id\": \"x\", \"size\": 3, \"keep\": [0, 3]}]}",
      "{\"format\": \"coppice-plan/1\", \"groups\": [{\"id\": \"x\", \"size\": 3, \"keep\": [0, 0.5]}]}",
      "{\"format\": \"coppice-plan/1\", \"options\": {\"seed\": \"-1\"}}",
    ])
  func refusing(text: String) { #expect(throws: PlanError.self) { try read(text) } }

  @Test("a plan that names a group twice is refused")
  func twice() throws {
    let analysis = try analysis()
    let entry = "{\"id\": \"\(analysis.groups[0].id)\", \"size\": 3, \"keep\": [0]}"
    let file = try read("{\"format\": \"coppice-plan/1\", \"groups\": [\(entry), \(entry)]}")
    #expect(throws: PlanError.self) { try file.keepSets(analysis) }
  }

  @Test(
    "a plan for other groups is refused",
    arguments: ["\"id\": \"channel:z\", \"size\": 3", "\"id\": \"ID\", \"size\": 4"])
  func otherModel(group: String) throws {
    let analysis = try analysis()
    let text = "{\"format\": \"coppice-plan/1\", \"groups\": [{GROUP, \"keep\": [0]}]}"
      .replacing("GROUP", with: group.replacing("ID", with: analysis.groups[0].id))
    let file = try read(text)
    #expect(throws: PlanError.self) { try file.keepSets(analysis) }
  }
}
