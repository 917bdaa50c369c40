import Dimensions
import Runtime

/// The outputs of a model against those of the one it was made from.
public struct OutputVerification: Sendable {
  /// `nil` where a model cannot be run, or has nothing that could be compared; then ``obstacle`` says why.
  public let comparison: OutputComparison?
  public let obstacle: String?
  /// Groups whose removal, alone, differs from zeroing. Looked for only where the whole differs.
  public let groups: [GroupComparison.Difference]

  /// Largest relative error allowed between a pruned model and its original with the removed slices zeroed.
  public static let usualTolerance = 1e-4
  /// Runs on random inputs.
  public static let usualSamples = 2

  /// What was removed from the original.
  public struct Removal: Sendable {
    public let removals: [Plan.Removal]
    public let keep: KeepSets
    public let analysis: ModelAnalysis

    public init(_ removals: [Plan.Removal], keep: KeepSets, analysis: ModelAnalysis) {
      self.removals = removals
      self.keep = keep
      self.analysis = analysis
    }
  }

  /// - Parameters:
  ///   - removal: with it, `found` is compared with the original that has these slices zeroed.
  ///   - samples: inputs by name, one entry a run.
  /// - Throws: ``PlanError`` where the original has not what was removed.
  public init(
    _ original: Model, against found: Model, without removal: Removal? = nil,
    samples: some Collection<[String: Tensor]>, tolerance: Double = usualTolerance
  ) throws {
    let expected = try removal.map { try original.zeroing($0.removals) } ?? original
    let outcome = Result { () throws(RuntimeError) in
      try OutputComparison(
        expected: expected, found: found, original: removal == nil ? nil : original, samples: samples)
    }
    var groups: [GroupComparison.Difference] = []
    switch outcome {
    case .failure(let error):
      comparison = nil
      obstacle = error.description
    case .success(let compared) where compared.elementCount == 0 && compared.maxRelativeError == 0:
      comparison = nil
      let isEmpty = compared.outputs.isEmpty
      obstacle = isEmpty ? "there are no outputs" : samples.isEmpty ? "there are no inputs" : "no output has elements"
    case .success(let compared):
      comparison = compared
      obstacle = nil
      if let removal, !(compared.maxRelativeError <= tolerance) {
        groups = try GroupComparison.differences(
          original, removal.analysis, removing: removal.keep, samples: samples, tolerance: tolerance)
      }
    }
    self.groups = groups
  }

  /// Nothing was compared.
  public init(obstacle: String) {
    self.obstacle = obstacle
    comparison = nil
    groups = []
  }

  /// Whether the removal of some group is approximate and so explains a difference from zeroing.
  public var isApproximate: Bool { groups.contains { !$0.isExact } && !groups.contains(where: \.isExact) }

  /// One line for each output that cannot be held for equal, because none of its elements is a number in either model.
  public var withoutNumbers: [String] {
    (comparison?.outputs ?? []).filter { $0.elementCount > 0 && $0.notFiniteCount == $0.elementCount }.map {
      "output \($0.name): holds no finite number on these inputs, in neither model"
    }
  }

  /// One line for each output some of whose elements say nothing.
  public var remarks: [String] {
    (comparison?.outputs ?? []).filter { $0.notFiniteCount > 0 && $0.notFiniteCount < $0.elementCount }.map {
      "output \($0.name): \($0.notFiniteCount) of \($0.elementCount) elements are NaN or infinite, in both models alike"
    }
  }

  /// One line for each output or group that differs and should not.
  public func differences(tolerance: Double) -> [String] {
    guard let comparison, !isApproximate else { return [] }
    let outputs = comparison.outputs.filter { !($0.maxRelativeError <= tolerance) }.map {
      "output \($0.name): relative error \(Self.short($0.maxRelativeError)), allowed \(Self.short(tolerance))"
    }
    return outputs
      + groups.filter(\.isExact).map {
        "group \($0.group): removing it is not zeroing it, relative error \(Self.short($0.maxRelativeError))"
      }
  }

  /// Two digits are all that is worth reading of an error.
  public static func short(_ error: Double) -> String {
    guard error.isFinite, error > 0 else { return error == 0 ? "0" : "without bound" }
    var (mantissa, exponent) = (error, 0)
    while mantissa >= 9.95 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 0.995 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    let digits = (mantissa * 10).rounded() / 10
    return exponent == 0 ? "\(digits)" : "\(digits)e\(exponent)"
  }
}
