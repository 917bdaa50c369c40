import Analysis
import IR
import Runtime
import Training

/// Generated pictures that are fitted to a convolutional network, until what its convolutions make is centred and
/// spread about as it was in training; see ``SpreadLoss``.
///
/// Dead leaves are given a tone first, then their pixels are changed. What is measured on such pictures may be trusted
/// nearly as what is measured on real ones.
struct FittedSamples {
  let input: GeneratedInput
  private let layout: PictureLayout
  private let loss: SpreadLoss

  /// What became of the pictures.
  enum Outcome {
    /// All numbers, one picture after the other.
    case fitted([Float])
    /// They cannot be fitted, and why.
    case left(reason: String)
  }

  /// Of fewer layers there is too little to fit to.
  private static let leastLayers = 2
  /// Numbers of all pictures. Each takes twenty bytes while they are fitted: as drawn, with a tone, as fitted so far,
  /// and two moments. More than twice as much must be there, since what runs the model takes memory as well.
  private static let numberLimit = min(1 << 28, MachineMemory.byteCount / 56)

  /// - Returns: `nil` for models this is not made for: those that take anything but single-precision pictures (or half
  ///   precision, which is widened), or that have less than two convolutions with a bias or a batch normalization.
  init?(_ model: Model, _ inputs: [GeneratedInput]) {
    guard inputs.count == 1, let input = inputs.first, input.type == .float, let layout = input.pictureLayout,
      model.opset("") ?? 1 >= SpreadLoss.leastOpset
    else { return nil }
    guard let info = model.graph.inputs.first(where: { model.name(of: $0.value) == input.name }),
      let type = info.type?.tensor?.elementType.flatMap(DataType.init(rawValue:))
    else { return nil }
    let layers = SpreadLoss.layers(of: model, behind: info.value)
    guard layers.count >= Self.leastLayers else { return nil }
    self.input = input
    self.layout = layout
    loss = SpreadLoss(model, layers, input: info.value, type: type)
  }

  /// - Parameter options: it is run in single precision whatever they say.
  /// - Throws: what `progress` throws; ``TrainingError`` where the pictures cannot be generated.
  func callAsFunction(
    count: Int, steps: Int, seed: UInt64, options: RuntimeOptions, _ progress: Measuring.Progress
  ) throws -> Outcome {
    let (numbers, overflows) = count.multipliedReportingOverflow(by: layout.count)
    guard !overflows, numbers <= Self.numberLimit else {
      return .left(reason: "\(count) pictures of \(layout.count) numbers are too many; ask for fewer (--samples)")
    }
    guard let pictures = try input.tensor(0..<count, seed: seed).floats() else {
      return .left(reason: "they are no numbers")
    }
    var options = options
    options.precision = .single
    do {
      return try fitted(pictures, count: count, steps: steps, seed: seed, options: options, progress)
    } catch let error as RuntimeError {
      return .left(reason: error.description)
    }
  }

  private func fitted(
    _ pictures: [Float], count: Int, steps: Int, seed: UInt64, options: RuntimeOptions, _ progress: Measuring.Progress
  ) throws -> Outcome {
    // What has no gradient is found before anything runs for long.
    let gradients = try SpreadGradients.fitting(
      loss, pictures: min(count, layout.pictures(limit: PixelFit.pictureLimit)), shape: input.shape, options: options)
    // No more at once than there is memory for.
    let first = min(gradients.pictureCount, layout.pictures(limit: ToneSearch.pictureLimit))
    let search = try ToneSearch(loss, options: options)
    let tone = try search(Array(pictures.prefix(first * layout.count)), shape: [first] + input.shape, progress)
    guard let tone else { return .left(reason: "what the model makes of them is not finite") }
    let fit = PixelFit(gradients: gradients, layout: layout, steps: steps, seed: seed, workers: options.workers)
    guard let result = try fit(pictures.map { tone($0) }, progress) else {
      return .left(reason: "what the model makes of them has no finite gradient")
    }
    return .fitted(result)
  }
}
