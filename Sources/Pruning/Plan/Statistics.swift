import Analysis
import Dimensions
import IR

/// How large a model is.
public struct ModelStatistics: Sendable, Equatable {
  /// Elements of parameter tensors.
  public let parameters: Int
  /// Multiply-accumulate operations of one run; 1 MAC is 2 FLOPs. Sizes known only at run time count as one. More than
  /// can be counted are `Int.max`.
  public let macs: Int
  /// Bytes of parameter tensors.
  public let bytes: Int

  public init(parameters: Int, macs: Int, bytes: Int) {
    self.parameters = parameters
    self.macs = macs
    self.bytes = bytes
  }

  public init(_ analysis: ModelAnalysis, keeping keep: KeepSets = KeepSets()) {
    self = CostModel(analysis).statistics(analysis.groups.map { keep[$0.dimension]?.count ?? $0.size })
  }

  static let zero = ModelStatistics(parameters: 0, macs: 0, bytes: 0)

  static func + (a: ModelStatistics, b: ModelStatistics) -> ModelStatistics {
    ModelStatistics(parameters: a.parameters &+ b.parameters, macs: a.macs &+ b.macs, bytes: a.bytes &+ b.bytes)
  }

  static func - (a: ModelStatistics, b: ModelStatistics) -> ModelStatistics {
    ModelStatistics(parameters: a.parameters &- b.parameters, macs: a.macs &- b.macs, bytes: a.bytes &- b.bytes)
  }
}

extension ModelAnalysis {
  /// The sizes that MACs are counted with as one and on which their shares depend, as users know them: a size that
  /// everything grows with, as a batch is, changes no share.
  public func sizesThatSkewMACs(in model: Model) -> [String] {
    let macs = ModelStatistics(self).macs
    return sizesCountedAsOne(in: model).filter { size in
      let doubled = assumptions.merging([size.symbol: 2]) { $1 }
      return ModelStatistics(assuming(doubled)).macs != 2 * macs
    }.map(\.name)
  }
}
