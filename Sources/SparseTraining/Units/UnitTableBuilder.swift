import Analysis
import Dimensions
import IR
import Kernels
import Runtime

/// Why a group has no units.
struct SkippedGroup: Error {
  let text: String
}

/// Finds the elements of units.
struct UnitTableBuilder {
  private let model: Model
  private let analysis: ModelAnalysis
  private let indices: [ValueID: Int]
  private let trained: Set<ValueID>

  init(_ model: Model, _ analysis: ModelAnalysis, _ parameters: Parameters) {
    self.model = model
    self.analysis = analysis
    indices = Dictionary(uniqueKeysWithValues: parameters.all.enumerated().map { ($1.value, $0) })
    trained = Set(parameters.trained.map(\.value))
  }

  /// - Parameter first: the number of the group's first unit.
  func parts(of group: PruningGroup, first: Int) -> Result<[UnitTable.Part], SkippedGroup> {
    if let cause = group.approximations.first {
      return .failure(SkippedGroup(text: "its channels matter where they are zero too: \(cause.reason)"))
    }
    let readsConstants = group.members.contains { $0.role == .consumer && readsWhatDoesNotVanish($0, of: group) }
    var parts: [UnitTable.Part] = []
    for member in group.members where member.role != .consumer || readsConstants {
      let weight = analysis.weights[member.weight]
      guard weight.isParameter else { continue }
      switch divisor(weight) {
      case .always: continue
      case .sometimes: return .failure(SkippedGroup(text: "\(weight.name) divides, and does more"))
      case .never: break
      }
      guard weight.use == nil, let parameter = indices[weight.value] else {
        return .failure(SkippedGroup(text: "\(weight.name) is nothing that training changes"))
      }
      guard let map = analysis.dimensions.indexMap(of: group.dimension, in: weight.axes[member.axis]) else {
        return .failure(SkippedGroup(text: "the size of \(weight.name) is not known"))
      }
      parts.append(
        UnitTable.Part(
          parameter: parameter, slices: AxisSlices(weight.tensor.shape, axis: member.axis),
          units: map.map { $0 < 0 ? -1 : $0 + Int32(first) },
          counts: member.role != .consumer && trained.contains(weight.value)))
    }
    guard parts.contains(where: \.counts) else {
      return .failure(SkippedGroup(text: "nothing that is trained makes its channels"))
    }
    return .success(parts)
  }

  /// Whether what is multiplied with a weight's columns may be another number than zero where the rows that make it
  /// are zero, as behind a sigmoid: then the columns have to be zero too.
  private func readsWhatDoesNotVanish(_ member: PruningGroup.Member, of group: PruningGroup) -> Bool {
    analysis.weights[member.weight].readers.contains { use in
      let path = analysis.nodes[use.node].path
      guard path.steps.isEmpty else { return true }
      return model.graph.nodes[path.index].inputs.enumerated().contains { position, input in
        guard position != use.input, let input, let axes = analysis.axes[input.index] else { return false }
        return axes.contains { axis in
          !axis.vanishes && analysis.dimensions.indexMap(of: group.dimension, in: axis.dimension) != nil
        }
      }
    }
  }

  private enum Divides {
    case always, sometimes, never
  }

  /// What divides stays as it is: zero by it is zero. So does the variance of a normalization.
  private func divisor(_ weight: Weight) -> Divides {
    let uses = weight.readers.map { use in
      switch analysis.nodes[use.node].opType {
      case "Div", "Mod", "Pow": use.input == 1
      case "BatchNormalization": use.input == 4
      default: false
      }
    }
    guard uses.contains(true) else { return .never }
    return uses.contains(false) ? .sometimes : .always
  }
}
