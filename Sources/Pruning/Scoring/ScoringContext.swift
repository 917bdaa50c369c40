import Analysis
import Dimensions
import IR
import Kernels

/// What criteria share while a model is scored: each tensor is read once, whatever number of groups it is part of.
public final class ScoringContext {
  public let analysis: ModelAnalysis
  public let seed: UInt64
  public let aggregation: Aggregation
  /// The weights the user wants looked at, or `nil` for what is usual for the criterion.
  public let members: MemberScope?
  /// What running the model told.
  public let evidence: Evidence
  /// The channels that earlier rounds of pruning left, by their groups' dimensions; of the others all are there.
  ///
  /// Weights of those that are gone are zero. What a criterion says of them does not matter, but where it compares
  /// channels with each other it should leave them out.
  public let alive: KeepSets
  /// Tensors that hold numbers that are not finite, in the order they were met.
  public private(set) var nonFiniteTensors: [String] = []
  /// Groups that a criterion could not score its own way, by what it did instead.
  public private(set) var fallbacks: [(reason: String, groups: [String])] = []
  private var cache: [Key: [[Double]]] = [:]

  private var elementCache: [ElementKey: [[Double]]] = [:]

  private struct Key: Hashable {
    let weight: Int
    let isSquare: Bool
  }

  private struct ElementKey: Hashable {
    let weight: Int
    let term: ElementTerm
    let measurement: Measurement
  }

  public init(
    analysis: ModelAnalysis, seed: UInt64 = 0, aggregation: Aggregation = .mean, members: MemberScope? = nil,
    evidence: Evidence = .none, alive: KeepSets = KeepSets()
  ) {
    self.analysis = analysis
    self.alive = alive
    self.evidence = evidence
    self.seed = seed
    self.aggregation = aggregation
    self.members = members
  }

  /// The weights of a group that are to be looked at.
  public func members(of group: PruningGroup, usually scope: MemberScope) -> [PruningGroup.Member] {
    (members ?? scope).members(of: group, analysis.weights)
  }

  /// The channel of the group that each index of a member's axis belongs to, −1 where it belongs to none.
  public func channels(of member: PruningGroup.Member, in group: PruningGroup) -> [Int32]? {
    analysis.dimensions.indexMap(of: group.dimension, in: analysis.weights[member.weight].axes[member.axis])
  }

  /// For each channel of the group the sum of |x| or x² over its part of a member; `nil` for weights that are no
  /// numbers of that kind.
  public func channelSums(
    of member: PruningGroup.Member, in group: PruningGroup, _ power: SliceSums.Power
  ) -> [Double]? {
    guard let map = channels(of: member, in: group) else { return nil }
    let slices = sliceSums(of: member.weight, power)[member.axis]
    var sums = [Double](repeating: 0, count: group.size)
    for (index, channel) in map.enumerated() where channel >= 0 { sums[Int(channel)] += slices[index] }
    return sums
  }

  /// For each axis of a weight and each index along it, the sum of |x| or x² over the slice.
  public func sliceSums(of weight: Int, _ power: SliceSums.Power) -> [[Double]] {
    let key = Key(weight: weight, isSquare: power == .square)
    if let known = cache[key] { return known }
    let tensor = analysis.weights[weight].tensor
    let sums = tensor.withWeights { SliceSums.sums(of: $0, shape: tensor.shape, power: power) }
    let result = sums ?? tensor.shape.map { [Double](repeating: 0, count: $0) }
    if result.contains(where: { $0.contains { !$0.isFinite } }) { noteNonFinite(weight) }
    cache[key] = result
    return result
  }

  /// For each axis of a weight and each index along it, the sum over the slice of a term of each element and what was
  /// measured of it; `nil` where nothing was.
  public func elementSums(of weight: Int, _ term: ElementTerm, _ measurement: Measurement) -> [[Double]]? {
    let key = ElementKey(weight: weight, term: term, measurement: measurement)
    if let known = elementCache[key] { return known }
    guard let sums = measuredSums(of: weight, term, measurement) else { return nil }
    if sums.contains(where: { $0.contains { !$0.isFinite } }) { noteNonFinite(weight) }
    elementCache[key] = sums
    return sums
  }

  /// Records that a weight holds numbers that are not finite, so that the user is told.
  public func noteNonFinite(_ weight: Int) {
    let name = analysis.weights[weight].name
    if !nonFiniteTensors.contains(name) { nonFiniteTensors.append(name) }
  }

  /// Records that a group was scored in another way than the criterion's, and why.
  public func noteFallback(_ group: PruningGroup, _ reason: String) {
    if let index = fallbacks.firstIndex(where: { $0.reason == reason }) {
      fallbacks[index].groups.append(group.id)
    } else {
      fallbacks.append((reason, [group.id]))
    }
  }
}
