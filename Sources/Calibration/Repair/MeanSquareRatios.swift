import IR
import Kernels
import Runtime
import Training

/// Measures how the mean square of the channels that norms keep compares with that of all their channels, while a model
/// runs with all of them over samples.
struct MeanSquareRatios {
  /// The channels of a norm.
  struct Place {
    /// What tells the norm apart.
    let norm: ValueID
    let operand: RootMeanSquareNorm.Operand
    /// The axis of the channels.
    let axis: Int
    /// Those that are left, in order.
    let kept: [Int]
  }

  /// The model, with every value to look at among what its nodes make.
  private var model: Model
  private let places: [Place]
  /// The value to look at, one for each place.
  private var values: [ValueID] = []

  init(of model: Model, _ places: [Place]) {
    self.model = model
    self.places = places
    for place in places { values.append(Self.value(place, in: &self.model)) }
  }

  private static func value(_ place: Place, in model: inout Model) -> ValueID {
    switch place.operand {
    case .value(let value), .squares(let value): return value
    case .sum(let node):
      if let sum = model.graph.nodes[node].output(3) { return sum }
      let sum = model.addValue(named: "\(model.name(of: place.norm))_sum")
      while model.graph.nodes[node].outputs.count < 4 { model.graph.nodes[node].outputs.append(nil) }
      model.graph.nodes[node].outputs[3] = sum
      return sum
    }
  }

  /// - Returns: by norm; nothing of those whose channels have no mean square, or none that is a number.
  /// - Throws: ``TrainingError`` where the model cannot be run on the samples, and what `progress` throws.
  func measured(
    on data: CalibrationData, batch: Int, runtime: RuntimeOptions, _ progress: Measuring.Progress
  ) throws -> [ValueID: Double] {
    var moments = [ChannelMoments?](repeating: nil, count: places.count)
    try ModelObservation(of: model, values: Set(values), on: data, batch: batch, options: runtime)
      .run("inputs of norms", progress) { value, found, _ in
        for index in places.indices where values[index] == value {
          moments[index].add(found, axis: places[index].axis, workers: runtime.workers)
        }
      }
    var ratios: [ValueID: Double] = [:]
    for (place, moments) in zip(places, moments) { ratios[place.norm] = moments.flatMap { ratio(place, $0) } }
    return ratios
  }

  private func ratio(_ place: Place, _ moments: ChannelMoments) -> Double? {
    let energies: [Double]
    if case .squares = place.operand { energies = moments.sums } else { energies = moments.squares }
    guard place.kept.allSatisfy({ energies.indices.contains($0) }) else { return nil }
    let (left, all) = (place.kept.reduce(0) { $0 + energies[$1] }, energies.reduce(0, +))
    // In this order it is exactly d/|S| where all the others are zero.
    let ratio = Double(energies.count) / Double(place.kept.count) * (left / all)
    return ratio.isFinite && ratio > 0 ? ratio : nil
  }
}
