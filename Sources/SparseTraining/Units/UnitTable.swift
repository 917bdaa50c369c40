import Analysis
import Dimensions
import IR
import Kernels
import Runtime

/// The channels training may do without, and which elements of which parameters are each one's own: the rows that make
/// it and what rides along. Where all of these are zero the channel is zero whatever the input, so that it may go; the
/// columns that read it matter only where it passes what makes another number of zero, a sigmoid say.
///
/// A unit is one channel of one group. Units are numbered group by group.
struct UnitTable {
  struct Group {
    /// Index into ``ModelAnalysis/groups``.
    let index: Int
    let units: Range<Int>
  }

  /// An axis of a parameter along which units lie.
  struct Part {
    /// Index into ``Parameters/all``.
    let parameter: Int
    let slices: AxisSlices
    /// Of each index of the axis, −1 where it is nobody's.
    let units: [Int32]
    /// Whether it says how much a unit matters: running statistics and columns only go to zero with the rest.
    let counts: Bool
  }

  private(set) var groups: [Group] = []
  private(set) var parts: [Part] = []
  /// Groups that cannot be trained away, and why.
  private(set) var skipped: [(label: String, reason: String)] = []
  /// Trained elements of each unit.
  private(set) var sizes: [Int] = []

  /// Units of all groups.
  var count: Int { groups.last?.units.upperBound ?? 0 }

  /// - Parameters:
  ///   - model: the one the parameters are of.
  ///   - candidates: groups that may lose channels, as indices into ``ModelAnalysis/groups``.
  init(_ model: Model, _ analysis: ModelAnalysis, _ parameters: Parameters, candidates: [Int]) {
    let builder = UnitTableBuilder(model, analysis, parameters)
    for index in candidates {
      let group = analysis.groups[index]
      switch builder.parts(of: group, first: count) {
      case .success(let own):
        groups.append(Group(index: index, units: count..<(count + group.size)))
        parts += own
      case .failure(let reason): skipped.append((group.id, reason.text))
      }
    }
    sizes = [Int](repeating: 0, count: count)
    for part in parts where part.counts {
      for unit in part.units where unit >= 0 { sizes[Int(unit)] += part.slices.outer * part.slices.inner }
    }
  }

  /// The group each unit is of.
  var groupOfUnit: [Int] { groups.indices.flatMap { group in groups[group].units.map { _ in group } } }
}
