import DataSources
import IR
import Training

/// Samples a model is run on to find out what matters in it: taken from data, or generated.
public struct CalibrationData: Sendable {
  /// Where the samples come from.
  public enum Origin: Sendable {
    /// The distribution the model works on, or one like it.
    case natural
    /// Generated: how the model's values are distributed on them says nothing of real data.
    case generated
    /// Generated, and then fitted to the model: values are distributed about as on real data.
    case fitted
  }

  public let count: Int
  public let origin: Origin
  /// How far repaired weights are pulled back where nothing else is said, as a share of the mean variance of a layer's
  /// inputs: generated samples are trusted less.
  public var usualDamping: Double { origin == .generated ? 0.1 : 0.01 }
  /// For messages.
  public let source: String
  public let hasLabels: Bool
  /// What a user should know of how the samples were made, in one line; `nil` where there is nothing to say.
  public internal(set) var remark: String?
  private let read: @Sendable (Range<Int>) throws(TrainingError) -> Samples

  /// Some samples, stacked along the first axis.
  public struct Samples: Sendable {
    /// By input name.
    public let inputs: [String: Tensor]
    public let labels: Tensor?

    public init(inputs: [String: Tensor], labels: Tensor? = nil) {
      self.inputs = inputs
      self.labels = labels
    }
  }

  public init(
    count: Int, origin: Origin, source: String, hasLabels: Bool,
    read: @escaping @Sendable (Range<Int>) throws(TrainingError) -> Samples
  ) {
    self.count = count
    self.origin = origin
    self.source = source
    self.hasLabels = hasLabels
    self.read = read
  }

  /// The samples with these numbers, from 0.
  public func samples(_ range: Range<Int>) throws(TrainingError) -> Samples { try read(range) }

  /// The first samples, at most so many.
  public func first(_ limit: Int) -> CalibrationData {
    var first = CalibrationData(
      count: min(count, max(0, limit)), origin: origin, source: source, hasLabels: hasLabels, read: read)
    first.remark = remark
    return first
  }

  /// Ranges of at most so many samples, in order.
  public func batches(of size: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: max(1, size)).map { $0..<min(count, $0 + max(1, size)) }
  }
}

extension CalibrationData {
  /// Samples of a data set, as a model takes them.
  ///
  /// - Parameters:
  ///   - limit: at most so many, drawn by the seed and in the order they are drawn, so that the first of them are drawn
  ///     fairly too.
  ///   - loss: what labels are for; labels are looked at only where there is one.
  /// - Throws: where the data do not fit the model, are empty, hold numbers that are none or labels that are none of
  ///   the model's classes, or are the same throughout.
  public init(
    _ dataset: any Dataset, for model: Model, limit: Int? = nil, loss: Loss? = nil, seed: UInt64 = 0
  ) throws(TrainingError) {
    let prepared: PreparedDataset
    do throws(DataError) {
      prepared = try dataset.withoutAugmentation.prepared(for: ExpectedInput.all(of: model).map(\.widened))
      let labels = Self.labels(prepared, of: model, for: loss)
      try DatasetCheck(labels: labels, tableSizes: model.lookedUpRows, needsLabels: loss != nil).run(prepared)
    } catch {
      throw TrainingError(error)
    }
    try prepared.refuseConstantInputs()
    var order = Array(0..<prepared.count)
    if let limit {
      var random = CounterRandom(seed: seed, Self.drawMark)
      order = Array(random.permutation(order.count).prefix(limit))
    }
    let indices = order
    let labelType = loss?.labelType
    self.init(
      count: indices.count, origin: .natural, source: dataset.source,
      hasLabels: prepared.field(labelField) != nil
    ) { range throws(TrainingError) in
      var fields: [String: Tensor]
      do throws(DataError) { fields = try prepared.batch(indices: Array(indices[range])) } catch {
        throw TrainingError(error)
      }
      let labels = fields.removeValue(forKey: labelField)
      return Samples(inputs: fields, labels: labelType.flatMap { labels?.converted(to: $0) } ?? labels)
    }
  }

  /// What labels may be. Where they do not fit the output at all, what needs them says so.
  private static func labels(_ data: PreparedDataset, of model: Model, for loss: Loss?) -> DatasetCheck.Labels {
    guard let loss, loss.hasClasses else { return .numbers }
    return .classes(try? loss.classes(of: model, on: data), ignored: Loss.ignoredLabel)
  }

  /// Far from what other draws from the same seed are for.
  private static let drawMark = -2
}
