import Dimensions
import IR
import Operators

/// Collects free dimensions into groups: members, kind, exactness, names.
struct GroupBuilder {
  let context: AxisContext
  let weights: [Weight]
  let nodes: [AnalyzedNode]

  /// A dimension that is free while its members are collected. Tables are arrays by number, not dictionaries: models
  /// have as many dimensions as nodes.
  private struct Candidate {
    let leaf: DimensionID
    var members: [PruningGroup.Member] = []
    var firstReader = Int.max
  }

  func groups() -> [PruningGroup] {
    let kinds = KindClassifier(context: context)
    let approximations = approximationsByLeaf()
    var identifiers: [String: Int] = [:]
    // As the graph runs, which is how people think of it; exporters order weights by name or size.
    let inOrder = candidates().enumerated().sorted {
      ($0.element.firstReader, $0.offset) < ($1.element.firstReader, $1.offset)
    }
    return inOrder.compactMap { _, candidate -> PruningGroup? in
      let (leaf, list) = (candidate.leaf, candidate.members)
      guard let size = context.dimensions.size(leaf).known else { return nil }
      let kind = kinds.kind(of: leaf)
      // A name people recognise is a matrix's or a kernel's, whose exporters keep the module's path in it.
      let named = list.first { weights[$0.weight].tensor.shape.count > 1 && $0.role == .producer } ?? list[0]
      var id = "\(kind.rawValue):\(weights[named.weight].name)"
      let count = identifiers[id, default: 0]
      identifiers[id] = count + 1
      if count > 0 { id += "#\(count + 1)" }
      return PruningGroup(
        id: id, name: "\(weights[named.weight].name) \(kind.rawValue)", dimension: leaf, kind: kind, size: size,
        members: list, approximations: approximations[leaf] ?? [])
    }
  }

  private func candidates() -> [Candidate] {
    var found: [Candidate] = []
    var places = [Int32](repeating: -1, count: context.dimensions.count)
    let roles = rolesByWeight()
    for (index, weight) in weights.enumerated() where weight.isParameter {
      let reader = weight.readers.first?.node ?? .max
      for (axis, dimension) in weight.axes.enumerated() {
        let leaves = context.dimensions.leaves(dimension)
        for (position, leaf) in leaves.enumerated()
        where context.dimensions.isFree(leaf) && !leaves[..<position].contains(leaf) {
          if places[leaf.index] < 0 {
            places[leaf.index] = Int32(found.count)
            found.append(Candidate(leaf: leaf))
          }
          let place = Int(places[leaf.index])
          let role =
            roles[index].first { $0.axis == axis }?.role
            ?? (weight.tensor.shape.count(where: { $0 > 1 }) <= 1 ? .rider : .producer)
          found[place].members.append(.init(weight: index, axis: axis, role: role))
          found[place].firstReader = min(found[place].firstReader, reader)
        }
      }
    }
    return found
  }

  /// Roles as operators gave them, for the weights they name directly or by way of nodes that only make constants of
  /// constants; the first of an axis holds.
  private func rolesByWeight() -> [[(axis: Int, role: Role)]] {
    var first = [Int32](repeating: -1, count: context.facts.count)
    var shared: [ValueID: [Int]] = [:]
    for (index, weight) in weights.enumerated() {
      if weight.use != nil {
        shared[weight.value, default: []].append(index)
      } else {
        first[weight.value.index] = Int32(index)
      }
    }
    var result = [[(axis: Int, role: Role)]](repeating: [], count: weights.count)
    var readByNode: [Int: [Int]] = [:]
    for (index, weight) in weights.enumerated() {
      for reader in weight.readers { readByNode[reader.node, default: []].append(index) }
    }
    for (value, axis, node, role) in context.roles {
      if first[value.index] >= 0 {
        result[Int(first[value.index])].append((axis, role))
      } else if let dimension = context.axes[value.index]?[axis].dimension {
        // A transposed weight has the axis at another place.
        let root = context.dimensions.root(dimension)
        for index in readByNode[node] ?? [] where weights[index].use == nil {
          guard let own = weights[index].axes.firstIndex(where: { context.dimensions.root($0) == root }) else {
            continue
          }
          result[index].append((own, role))
        }
      }
      guard !shared.isEmpty else { continue }
      for index in shared[value] ?? [] where weights[index].use?.node == node { result[index].append((axis, role)) }
    }
    return result
  }

  private func approximationsByLeaf() -> [DimensionID: [Cause]] {
    var result: [DimensionID: [Cause]] = [:]
    for (dimension, cause) in context.approximations {
      for leaf in Set(context.dimensions.leaves(dimension)) where !(result[leaf]?.contains(cause) ?? false) {
        result[leaf, default: []].append(cause)
      }
    }
    return result
  }

  /// What was fixed, by node and reason, counted over the weights it concerns.
  func fixedRemarks() -> [FixedRemark] {
    struct Tally {
      var dimensions: Set<DimensionID> = []
      var values: [ValueID: Int] = [:]
      var example = FixedRemark.Example(weight: 0, axis: 0, size: 0)
    }
    var tallies: [Cause: Tally] = [:]
    for (index, weight) in weights.enumerated() where weight.isParameter {
      for (axis, dimension) in weight.axes.enumerated() {
        for leaf in context.dimensions.leaves(dimension) where !context.dimensions.size(leaf).isOne {
          guard let cause = context.dimensions.cause(leaf) else { continue }
          tallies[cause, default: Tally()].dimensions.insert(leaf)
          tallies[cause, default: Tally()].values[weight.value] = weight.tensor.elementCount
          let size = context.dimensions.size(leaf).known ?? 0
          if size > tallies[cause, default: Tally()].example.size {
            tallies[cause, default: Tally()].example = .init(weight: index, axis: axis, size: size)
          }
        }
      }
    }
    let causes = tallies.keys.sorted { ($0.node ?? -1, $0.reason) < ($1.node ?? -1, $1.reason) }
    return causes.compactMap { cause in
      guard let tally = tallies[cause] else { return nil }
      return FixedRemark(
        node: cause.node, reason: cause.reason, dimensions: tally.dimensions.count,
        parameters: tally.values.values.reduce(0, +), example: tally.example)
    }
  }
}

/// Tells the kind of a dimension from what operators noted about it.
private struct KindClassifier {
  private struct EvidenceSet {
    private var bits: UInt32 = 0

    mutating func insert(_ item: Evidence) { bits |= 1 << UInt32(item.rawValue) }
    func contains(_ item: Evidence) -> Bool { bits & 1 << UInt32(item.rawValue) != 0 }
  }

  /// By ``DimensionID/index``.
  private var evidence: [EvidenceSet]
  /// Dimensions that stand beside repeated heads in one product: the groups the copies are made of.
  private var repeated: Set<DimensionID> = []

  init(context: AxisContext) {
    evidence = Array(repeating: EvidenceSet(), count: context.dimensions.count)
    for (dimension, item) in context.evidence {
      for leaf in context.dimensions.leaves(dimension) { evidence[leaf.index].insert(item) }
    }
    // Query heads are key/value groups times repeats: whoever shares a batch axis with a repeat is a group.
    for (dimension, item) in context.evidence where item == .attentionBatch {
      let leaves = context.dimensions.leaves(dimension)
      guard leaves.contains(where: { evidence[$0.index].contains(.repeatedHeads) }) else { continue }
      for leaf in leaves where !evidence[leaf.index].contains(.repeatedHeads) { repeated.insert(leaf) }
    }
  }

  func kind(of leaf: DimensionID) -> DimensionKind {
    let found = evidence[leaf.index]
    if found.contains(.recurrentHidden) { return .hidden }
    if found.contains(.normalizedWidth), !found.contains(.spatialConvolution), !found.contains(.depthwise),
      !found.contains(.attentionBatch)
    {
      return .embedding
    }
    if found.contains(.convolutionGroup), !found.contains(.depthwise) { return .convolutionGroup }
    if repeated.contains(leaf) { return .keyValueGroup }
    if found.contains(.attentionBatch) || found.contains(.repeatedHeads) {
      return .head
    }
    if found.contains(.expert) { return .expert }
    if found.contains(.attentionContraction) || found.contains(.attentionValueWidth) {
      return found.contains(.spatialConvolution) ? .channel : .headWidth
    }
    if found.contains(.convolutionChannel) || found.contains(.batchNormScale) { return .channel }
    if found.contains(.embeddingTable) { return .embedding }
    if found.contains(.denseOutput) || found.contains(.denseInput) { return .feedForward }
    return .other
  }
}
