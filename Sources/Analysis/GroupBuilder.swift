import Dimensions
import IR
import Operators

/// Collects free dimensions into groups: members, kind, exactness, names.
struct GroupBuilder {
  let context: AxisContext
  let weights: [Weight]
  let nodes: [AnalyzedNode]

  func groups() -> [PruningGroup] {
    var members: [DimensionID: [PruningGroup.Member]] = [:]
    var order: [DimensionID] = []
    let roles = rolesByWeight()
    for (index, weight) in weights.enumerated() where weight.isParameter {
      for (axis, dimension) in weight.axes.enumerated() {
        var seen: Set<DimensionID> = []
        for leaf in context.dimensions.leaves(dimension)
        where context.dimensions.isFree(leaf) && seen.insert(leaf).inserted {
          if members[leaf] == nil { order.append(leaf) }
          let role = roles[index]?[axis] ?? (weight.tensor.shape.count(where: { $0 > 1 }) <= 1 ? .rider : .producer)
          members[leaf, default: []].append(.init(weight: index, axis: axis, role: role))
        }
      }
    }
    let kinds = KindClassifier(context: context)
    let approximations = approximationsByLeaf()
    var identifiers: [String: Int] = [:]
    let firstReader = Dictionary(
      uniqueKeysWithValues: members.map { leaf, list in
        (leaf, list.compactMap { weights[$0.weight].readers.first?.node }.min() ?? .max)
      })
    // As the graph runs, which is how people think of it; exporters order weights by name or size.
    let inOrder = order.enumerated().sorted {
      (firstReader[$0.element] ?? .max, $0.offset) < (firstReader[$1.element] ?? .max, $1.offset)
    }
    return inOrder.map(\.element).compactMap { leaf -> PruningGroup? in
      guard let list = members[leaf], let size = context.dimensions.size(leaf).known else { return nil }
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

  /// Roles as operators gave them, for the weights they name directly.
  private func rolesByWeight() -> [Int: [Int: Role]] {
    var byValue: [ValueID: [Int]] = [:]
    for (index, weight) in weights.enumerated() { byValue[weight.value, default: []].append(index) }
    var result: [Int: [Int: Role]] = [:]
    for (value, axis, node, role) in context.roles {
      for index in byValue[value] ?? [] where weights[index].use.map({ $0.node == node }) ?? true {
        if result[index]?[axis] == nil { result[index, default: [:]][axis] = role }
      }
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
  private var evidence: [DimensionID: Set<Evidence>] = [:]
  /// Dimensions that stand beside repeated heads in one product: the groups the copies are made of.
  private var repeated: Set<DimensionID> = []

  init(context: AxisContext) {
    for (dimension, item) in context.evidence {
      let leaves = context.dimensions.leaves(dimension)
      for leaf in leaves { evidence[leaf, default: []].insert(item) }
    }
    // Query heads are key/value groups times repeats: whoever shares a batch axis with a repeat is a group.
    for (dimension, item) in context.evidence where item == .attentionBatch {
      let leaves = context.dimensions.leaves(dimension)
      guard leaves.contains(where: { evidence[$0]?.contains(.repeatedHeads) ?? false }) else { continue }
      for leaf in leaves where !(evidence[leaf]?.contains(.repeatedHeads) ?? false) { repeated.insert(leaf) }
    }
  }

  func kind(of leaf: DimensionID) -> DimensionKind {
    let found = evidence[leaf] ?? []
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
