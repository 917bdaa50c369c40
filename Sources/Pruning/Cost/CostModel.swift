import Analysis
import Dimensions
import IR

/// What a model costs as a function of how many channels of each group stay.
///
/// Compiled once from the analysis: every parameter tensor and every term of an operator's work is a number times the
/// sizes of axes, and the size of an axis a sum of products of kept numbers. Evaluating it all is linear in their
/// number; ``CostState`` evaluates only what a changed group takes part in. Sizes known only at run time count as one.
public struct CostModel: Sendable {
  enum Item: Sendable {
    case tensor(SizeTerm, bits: Int)
    /// A vector shared by nodes that need not cut it alike: a copy for each different cut, the original if any use
    /// keeps it whole.
    case shared([SizeTerm], whole: Int, bits: Int)
    case macs(SizeTerm)
  }

  let items: [Item]
  /// For each group the items that depend on it.
  let itemsOfGroup: [[Int]]
  /// The size of each group.
  let sizes: [Int]

  public init(_ analysis: ModelAnalysis) {
    sizes = analysis.groups.map(\.size)
    let compiler = SizeCompiler(analysis)
    var items: [Item] = []
    var uses: [ValueID: [Int]] = [:]
    for (index, weight) in analysis.weights.enumerated() where weight.isParameter {
      let bits = weight.tensor.dataType.bitWidth ?? 0
      if weight.use == nil {
        items.append(.tensor(compiler.product(weight.axes), bits: bits))
      } else {
        uses[weight.value, default: []].append(index)
      }
    }
    for value in uses.keys.sorted(by: { $0.index < $1.index }) {
      let list = (uses[value] ?? []).map { analysis.weights[$0] }
      guard let first = list.first else { continue }
      var seen: Set<[DimensionID]> = []
      let classes = list.filter { seen.insert($0.axes.map { analysis.dimensions.root($0) }).inserted }
      items.append(
        .shared(
          classes.map { compiler.product($0.axes) }, whole: first.tensor.elementCount,
          bits: first.tensor.dataType.bitWidth ?? 0))
    }
    for term in analysis.macTerms {
      items.append(.macs(compiler.product(term.axes, times: term.constant, sizes: term.sizes)))
    }
    var itemsOfGroup = [[Int]](repeating: [], count: analysis.groups.count)
    for (index, item) in items.enumerated() {
      for group in item.groups { itemsOfGroup[group].append(index) }
    }
    self.items = items
    self.itemsOfGroup = itemsOfGroup
  }

  /// The model's size where `counts[g]` channels of group g stay.
  public func statistics(_ counts: [Int]) -> ModelStatistics { CostState(self, counts).total }
}

extension CostModel.Item {
  fileprivate var groups: [Int] {
    switch self {
    case .tensor(let term, _), .macs(let term): term.groups
    case .shared(let terms, _, _): Array(Set(terms.flatMap(\.groups))).sorted()
    }
  }

  func cost(_ counts: [Int]) -> ModelStatistics {
    switch self {
    case .tensor(let term, let bits): return Self.storage(term.value(counts), bits)
    case .macs(let term): return ModelStatistics(parameters: 0, macs: term.value(counts), bytes: 0)
    case .shared(let terms, let whole, let bits):
      let values = terms.map { $0.value(counts) }
      let copies = values.filter { $0 != whole }
      return Self.storage(copies.reduce(0, &+) &+ (copies.count < values.count ? whole : 0), bits)
    }
  }

  private static func storage(_ elements: Int, _ bits: Int) -> ModelStatistics {
    ModelStatistics(parameters: elements, macs: 0, bytes: (elements &* bits &+ 7) / 8)
  }
}

/// The cost of a model while the kept numbers change one by one.
struct CostState {
  let model: CostModel
  private(set) var counts: [Int]
  private var costs: [ModelStatistics]
  private(set) var total: ModelStatistics

  init(_ model: CostModel, _ counts: [Int]) {
    self.model = model
    self.counts = counts
    costs = model.items.map { $0.cost(counts) }
    total = costs.reduce(.zero) { $0 + $1 }
  }

  /// Keeps `count` channels of a group from now on. Linear in the items the group takes part in.
  mutating func set(_ group: Int, to count: Int) {
    guard counts[group] != count else { return }
    counts[group] = count
    for item in model.itemsOfGroup[group] {
      let cost = model.items[item].cost(counts)
      total = total - costs[item] + cost
      costs[item] = cost
    }
  }
}
