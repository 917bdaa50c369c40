import Analysis
import Dimensions
import IR
import Operators
import Pruning
import Runtime
import Training

/// The root mean square norms of a pruned model that run over fewer channels than they did.
///
/// The mean over what is left, |S| of d channels, is another number than the mean over all. With
///
///     γ' = γ·f    ε' = ε·f²    f² = (Σ_S E[x²]/|S|) / (Σ E[x²]/d)
///
/// and E[x²] measured over samples before anything is removed, the norm makes of the channels that are left what it
/// made before, on average: γ·f·x/√(Σ_S x²/|S| + ε·f²) = γ·x/√(Σ_S x²/(|S|·f²) + ε), and Σ_S x²/(|S|·f²) has the mean
/// that Σx²/d has. Where the channels that went were zero, f² is d/|S| and that holds exactly; where they were as large
/// as the others, f² is 1 and nothing changes.
struct RootMeanSquareNorms {
  private let model: Model
  private let norms: [ValueID: RootMeanSquareNorm]
  private let analysis: ModelAnalysis
  private let keep: KeepSets

  /// Why the constants of a norm stay as they are.
  private struct Obstacle: Error {
    let reason: String
  }

  /// - Parameters:
  ///   - dense: the model as it was.
  ///   - keep: what was kept of it.
  init(of dense: Model, _ analysis: ModelAnalysis, keep: KeepSets) {
    model = dense
    norms = Dictionary(RootMeanSquareNormFinder(dense).norms.map { ($0.output, $0) }) { first, _ in first }
    self.analysis = analysis
    self.keep = keep
  }

  /// The norms whose constants have to change. Those that are rescaled already stay as they are: one of their constants
  /// is another than in the dense model. That ε is the same says nothing where it is 0.
  /// - Parameter pruned: the model with only what was kept; values have the numbers they had.
  func pending(in pruned: Model) -> [RootMeanSquareNorm] {
    RootMeanSquareNormFinder(pruned).norms.filter { norm in
      guard let old = norms[norm.output], !cuts(norm).isEmpty else { return false }
      return norm.epsilonNumber == old.epsilonNumber && hasScale(norm, of: old)
    }
  }

  /// Whether a norm has what is left of its scale in the dense model. Where there is none, nothing has rescaled it.
  private func hasScale(_ norm: RootMeanSquareNorm, of old: RootMeanSquareNorm) -> Bool {
    guard case .success(let scale) = norm.scale, case .success(let oldScale) = old.scale else { return true }
    guard let left = oldScale.tensor.keeping(kept(of: oldScale.tensor, in: norm)) else { return true }
    // What is no number is the same number all the same.
    return scale.tensor.doubles()?.map(\.bitPattern) == left.doubles()?.map(\.bitPattern)
  }

  /// f² of those of some norms that can be rescaled.
  /// - Parameter batch: samples of a run.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `progress` throws.
  func ratios(
    of pending: [RootMeanSquareNorm], on data: CalibrationData, batch: Int, runtime: RuntimeOptions,
    _ progress: Measuring.Progress
  ) throws -> [ValueID: Double] {
    let places = pending.compactMap { norm -> MeanSquareRatios.Place? in
      let found = cuts(norm)
      guard case .success = norm.scale, found.count == 1, let dense = norms[norm.output] else { return nil }
      return MeanSquareRatios.Place(
        norm: norm.output, operand: dense.operand, axis: found[0].axis, kept: found[0].kept)
    }
    guard !places.isEmpty else { return [:] }
    return try MeanSquareRatios(of: model, places).measured(on: data, batch: batch, runtime: runtime, progress)
  }

  /// A pruned model with the constants of its norms rescaled.
  /// - Parameter ratios: f² by what tells a norm apart.
  /// - Returns: the model, how many norms were rescaled, and those that cannot be, with the reason.
  func rescaled(
    _ pruned: Model, by ratios: [ValueID: Double]
  ) -> (model: Model, count: Int, skipped: [(label: String, reason: String)]) {
    var (model, count) = (pruned, 0)
    var skipped: [(label: String, reason: String)] = []
    for norm in pending(in: pruned) {
      do throws(Obstacle) {
        try rescale(norm, by: ratios[norm.output], in: &model)
        count += 1
      } catch {
        skipped.append((norm.label, "its constants are not rescaled: \(error.reason)"))
      }
    }
    return (model, count, skipped)
  }

  private func rescale(_ norm: RootMeanSquareNorm, by ratio: Double?, in model: inout Model) throws(Obstacle) {
    guard cuts(norm).count == 1 else { throw Obstacle(reason: "its mean is over several axes that were cut") }
    let scale: RootMeanSquareNorm.Constant
    switch norm.scale {
    case .failure(let cause): throw Obstacle(reason: cause.rawValue)
    case .success(let constant): scale = constant
    }
    guard let ratio else { throw Obstacle(reason: "what is left of its input has no mean square on the samples") }
    guard let scaled = scale.tensor.multiplied(by: ratio.squareRoot()) else {
      throw Obstacle(reason: "its scale holds \(scale.tensor.dataType)")
    }
    guard norm.epsilon.canBeMultiplied else { throw Obstacle(reason: "its epsilon is no floating-point number") }
    let name = model.name(of: norm.output)
    model.replaceConstant(scaled, node: scale.node, input: scale.input, named: "\(name)_scale")
    model.multiply(norm.epsilon, by: ratio, named: "\(name)_epsilon")
  }

  // MARK: Channels

  /// The axes a norm's mean is over that were cut, and the channels that are left.
  private func cuts(_ norm: RootMeanSquareNorm) -> [(axis: Int, kept: [Int])] {
    guard norm.input.index < analysis.axes.count, let axes = analysis.axes[norm.input.index] else { return [] }
    return norm.axes.indices(rank: axes.count).compactMap { axis in
      guard let kept = analysis.dimensions.keptIndices(axes[axis].dimension, keep), !kept.isEmpty,
        analysis.dimensions.size(axes[axis].dimension).known != kept.count
      else { return nil }
      return (axis, kept.map { Int($0) })
    }
  }

  /// What is left of each axis of a tensor that is broadcast to what a norm is given; `nil` for all of it.
  private func kept(of tensor: Tensor, in norm: RootMeanSquareNorm) -> [[Int32]?] {
    let axes = analysis.axes[norm.input.index] ?? []
    return tensor.shape.enumerated().map { axis, size -> [Int32]? in
      // Axes are aligned at the last one.
      let place = axis + axes.count - tensor.shape.count
      guard axes.indices.contains(place), analysis.dimensions.size(axes[place].dimension).known == size else {
        return nil
      }
      return analysis.dimensions.keptIndices(axes[place].dimension, keep)
    }
  }
}

extension RootMeanSquareNorm {
  fileprivate var epsilonNumber: Double? {
    switch epsilon {
    case .attribute(_, let value): value
    case .constant(_, _, let tensor): tensor.doubles()?.first
    }
  }
}

extension RootMeanSquareNorm.Epsilon {
  fileprivate var canBeMultiplied: Bool {
    switch self {
    case .attribute: true
    case .constant(_, _, let tensor): tensor.multiplied(by: 1) != nil
    }
  }
}

extension Model {
  fileprivate mutating func multiply(_ epsilon: RootMeanSquareNorm.Epsilon, by factor: Double, named name: String) {
    switch epsilon {
    case .attribute(let node, let value):
      graph.nodes[node].setAttribute("epsilon", .float(Float(value * factor)))
    case .constant(let node, let input, let tensor):
      guard let scaled = tensor.multiplied(by: factor) else { return }
      replaceConstant(scaled, node: node, input: input, named: name)
    }
  }

  /// Gives one input of a node another constant; a `Constant` node that nothing else reads holds it itself.
  fileprivate mutating func replaceConstant(_ tensor: Tensor, node: Int, input: Int, named name: String) {
    if let value = graph.nodes[node].input(input),
      let producer = graph.nodes.firstIndex(where: { $0.output(0) == value }),
      graph.nodes[producer].constantTensor != nil, !graph.outputs.contains(where: { $0.value == value }),
      graph.nodes.reduce(0, { $0 + $1.reads.count { $0 == value } }) == 1
    {
      graph.nodes[producer].setConstantTensor(tensor)
      return
    }
    setConstant(tensor, node: node, input: input, named: name)
  }
}

extension Tensor {
  /// The numbers times another, in the same type; `nil` for types that are no floating-point numbers.
  fileprivate func multiplied(by factor: Double) -> Tensor? {
    guard let numbers = doubles() else { return nil }
    let products = numbers.map { $0 * factor }
    guard dataType == .double else { return holding(products.map { Float($0) }) }
    let region = products.withUnsafeBytes { ByteRegion(copying: $0) }
    return Tensor(name: name, dataType: .double, shape: shape, storage: .bytes(region))
  }
}
