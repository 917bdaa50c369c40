import Analysis
import TestSupport
import Testing

@testable import Pruning

@Suite("Selection")
struct SelectionTests {
  private static let layers = """
    x: float[1, 2]
    h = MatMul(x, a[2, 4])
    g = Relu(h)
    i = MatMul(g, b[4, 4])
    j = Relu(i)
    y = MatMul(j, c[4, 2])
    return y
    """

  /// Columns of `a` are the first group's channels, columns of `b` the second's.
  private static let numbers: [String: [Float]] = [
    "a": [1, 2, 3, 4, 0, 0, 0, 0], "b": [10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ]

  private func kept(_ options: SelectionOptions, _ scoring: Scoring) throws -> [[Int32]] {
    let analysis = try GraphText.analysis(Self.layers, filling: Self.numbers)
    let selection = try Selection(analysis: analysis, scoring: scoring, options: options)
    return analysis.groups.indices.map { group in
      selection.decisions.first { $0.group == group }?.keep ?? [0, 1, 2, 3]
    }
  }

  private var producers: Scoring {
    var scoring = Scoring.magnitude(p: 2)
    scoring.members = .producers
    scoring.normalization = ScoreNormalization.none
    return scoring
  }

  @Test("each group by itself loses its own share; together the least important go wherever they are")
  func scopes() throws {
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    #expect(try kept(options, producers) == [[2, 3], [2, 3]])
    options.scope = .global
    options.minimumKeepShare = 0.25
    #expect(try kept(options, producers) == [[3], [1, 2, 3]])
    var normalized = producers
    normalized.normalization = .mean
    #expect(try kept(options, normalized) == [[2, 3], [2, 3]])
  }

  @Test("groups of one shape are ranked together, others apart")
  func isomorphic() throws {
    let analysis = try GraphText.analysis(Graphs.residual(stages: [16, 32], blocks: 3))
    let sets = GroupShape.sets(analysis.groups, analysis)
    #expect(sets.contains { $0.count > 1 })
    #expect(sets.allSatisfy { set in Set(set.map { analysis.groups[$0].size }).count == 1 })
    var options = SelectionOptions(ratio: 0.5)
    options.scope = .isomorphic
    options.roundTo = 1
    let plan = try Plan(of: analysis, options: options)
    for set in sets {
      let ids = Set(set.map { analysis.groups[$0].id })
      let whole = set.reduce(0) { $0 + analysis.groups[$1].size }
      let kept = set.reduce(0) { sum, index in
        sum + (plan.groups.first { $0.id == analysis.groups[index].id }?.keep.count ?? analysis.groups[index].size)
      }
      #expect(kept == whole - whole / 2, "\(ids)")
    }
  }

  @Test("equal scores keep the lower index, and at least one channel stays")
  func ties() throws {
    let ones = [String: [Float]](uniqueKeysWithValues: [
      ("a", [Float](repeating: 1, count: 8)), ("b", [Float](repeating: 1, count: 16)),
      ("c", [Float](repeating: 1, count: 8)),
    ])
    let analysis = try GraphText.analysis(Self.layers, filling: ones)
    var options = SelectionOptions(ratio: 0.5)
    options.roundTo = 1
    #expect(try Plan(of: analysis, options: options).groups.map(\.keep) == [[0, 1], [0, 1]])
    options.target = .ratio(0.999)
    #expect(try Plan(of: analysis, options: options).groups.map(\.keep) == [[0], [0]])
  }

  @Test(
    "kept numbers are rounded to the nearest multiple, small groups to smaller ones",
    arguments: [
      (64, 0.3, 48, 45), (64, 0.5, 32, 32), (64, 0.99, 8, 1), (16, 0.5, 8, 8), (16, 0.3, 12, 12), (100, 0.01, 96, 99),
    ])
  func rounding(size: Int, ratio: Double, kept: Int, asked: Int) throws {
    let analysis = try GraphText.analysis(
      """
      x: float[1, 3, 8, 8]
      a = Conv(x, w1[\(size), 3, 1, 1])
      y = Conv(a, w2[4, \(size), 1, 1])
      return y
      """)
    let plan = try Plan(of: analysis, options: SelectionOptions(ratio: ratio))
    #expect(plan.groups.map(\.keep.count) == [kept])
    #expect(plan.groups.map(\.asked) == [asked])
  }

  @Test("numbers of any size are bounds, not accidents")
  func enormous() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    var options = SelectionOptions(.budgets([Budget(.macs, .absolute(.max))]))
    options.roundTo = .max
    options.rules = [try Rule(parsing: "**:min-keep=\(Int.max)")]
    #expect(try Plan(of: analysis, options: options).groups.isEmpty)
  }

  @Test("protections hold in every scope")
  func protections() throws {
    let analysis = try GraphText.analysis(Graphs.residual())
    for scope in Scope.allCases {
      var options = SelectionOptions(ratio: 0.9)
      options.scope = scope
      options.maximumRatio = 0.6
      let plan = try Plan(of: analysis, scoring: .random(seed: 3), options: options)
      #expect(plan.groups.count == analysis.groups.count)
      #expect(plan.groups.allSatisfy { Double($0.keep.count) >= 0.4 * Double($0.size) })
    }
  }

  @Test("options out of range are refused in one line")
  func ranges() throws {
    let analysis = try GraphText.analysis(Self.layers)
    var wrong = [SelectionOptions(ratio: 0), SelectionOptions(ratio: 1), SelectionOptions(.budgets([]))]
    for change in [
      { $0.roundTo = 0 }, { $0.maximumRatio = 2 }, { $0.minimumKeepShare = -1 }, { $0.costExponent = .nan },
    ] as [(inout SelectionOptions) -> Void] {
      var options = SelectionOptions(ratio: 0.5)
      change(&options)
      wrong.append(options)
    }
    for options in wrong {
      #expect {
        try Plan(of: analysis, options: options)
      } throws: { error in
        (error as? SelectionError)?.isUsageError == true && !"\(error)".contains("\n")
      }
    }
  }

  @Test("the same input and seed give the same plan, to the byte", arguments: ["l1", "l2", "lamp", "fpgm", "random"])
  func determinism(criterion: String) throws {
    func text() throws -> String {
      var scoring = try Scoring(named: criterion)
      scoring.seed = 5
      let options = SelectionOptions(.parameters(.fraction(0.5)))
      return try Plan(of: try GraphText.analysis(Graphs.residual()), scoring: scoring, options: options).json.text()
    }
    #expect(try text() == text())
  }
}
