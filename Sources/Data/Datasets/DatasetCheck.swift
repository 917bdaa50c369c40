import IR

/// Looks for what would spoil a run hours after its start: numbers that are none, labels that are no class, files that
/// cannot be decoded.
public struct DatasetCheck: Sendable {
  /// What labels stand for.
  public enum Labels: Sendable, Equatable {
    /// From 0 to below the number of classes the model tells apart, where that is known. A label that is ignored, such
    /// as -100, is left out of the loss instead of being a class.
    case classes(Int? = nil, ignored: Int? = nil)
    /// What outputs should come close to.
    case numbers
    /// From 0 to 1, for binary cross-entropy.
    case probabilities
  }

  public var labels: Labels
  /// The sizes of the tables that inputs of numbers of rows are looked up in, by the name of the input.
  public var tableSizes: [String: Int]
  /// Whether there must be a label that is not ignored; not where a teacher is learnt from.
  public var needsLabels: Bool

  public init(labels: Labels = .classes(), tableSizes: [String: Int] = [:], needsLabels: Bool = true) {
    self.labels = labels
    self.tableSizes = tableSizes
    self.needsLabels = needsLabels
  }

  /// - Throws: the first fault found.
  public func run(_ dataset: any Dataset) throws(DataError) {
    guard dataset.count > 0 else { throw .empty(source: dataset.source) }
    for array in dataset.storedArrays {
      if array.tensor.dataType.isFloatingPoint { try checkFinite(array) }
      if array.field == labelField {
        try checkLabels(array, of: dataset)
      } else if let size = tableSizes[array.field], !array.tensor.dataType.isFloatingPoint {
        try checkRows(array, below: size)
      }
    }
    try dataset.inspect()
  }

  private func checkFinite(_ array: StoredArray) throws(DataError) {
    guard let found = ElementScan.first(in: array.tensor, where: { !$0.isFinite }) else { return }
    throw .notFinite(
      source: array.source, sample: array.sample(found), value: found.value.isNaN ? "NaN" : "infinity")
  }

  private func checkLabels(_ array: StoredArray, of dataset: any Dataset) throws(DataError) {
    switch labels {
    case .numbers: return
    case .classes(let classes, let ignored):
      guard !array.tensor.dataType.isFloatingPoint else { return }
      try checkClasses(array, classes, ignored)
      if needsLabels, let ignored { try checkAnyCounts(array, of: dataset, ignored) }
    case .probabilities:
      guard let found = ElementScan.first(in: array.tensor, where: { $0 < 0 || $0 > 1 }) else { return }
      throw .unsupported(
        path: array.source, place: "sample \(array.sample(found))",
        reason: "target \(found.text) is not from 0 to 1, as binary cross-entropy asks; scale the targets")
    }
  }

  private func checkClasses(_ array: StoredArray, _ classes: Int?, _ ignored: Int?) throws(DataError) {
    let limit = Double(classes ?? .max)
    // No number is NaN.
    let ignoredNumber = ignored.map { Double($0) } ?? .nan
    if let found = ElementScan.first(in: array.tensor, where: { ($0 < 0 || $0 >= limit) && $0 != ignoredNumber }) {
      // Without a number of classes only what is negative is wrong.
      guard let classes else {
        throw .malformed(
          path: array.source, place: "sample \(array.sample(found))", reason: "label \(found.text) is negative")
      }
      throw .labelOutOfRange(
        source: array.source, sample: array.sample(found), label: found.text, classes: classes)
    }
  }

  /// Refuses samples none of which has a label. The array may be of more samples than the data set has, so its own are
  /// asked for, which need no look where nothing is ignored.
  private func checkAnyCounts(_ array: StoredArray, of dataset: any Dataset, _ ignored: Int) throws(DataError) {
    let ignoredNumber = Double(ignored)
    guard ElementScan.first(in: array.tensor, where: { $0 == ignoredNumber }) != nil else { return }
    let labels = dataset.keeping([labelField])
    for start in stride(from: 0, to: labels.count, by: 1024) {
      let batch = try labels.batch(indices: Array(start..<min(start + 1024, labels.count)))
      guard let tensor = batch[labelField] else { return }
      if ElementScan.first(in: tensor, where: { $0 != ignoredNumber }) != nil { return }
    }
    throw .unsupported(
      path: array.source, place: "",
      reason: "all labels are \(ignored), which stands for none: there is nothing to learn from; give classes")
  }

  private func checkRows(_ array: StoredArray, below rows: Int) throws(DataError) {
    let limit = Double(rows)
    guard let found = ElementScan.first(in: array.tensor, where: { $0 < 0 || $0 >= limit }) else { return }
    throw .rowOutOfRange(source: array.source, sample: array.sample(found), row: found.text, rows: rows)
  }
}

extension StoredArray {
  /// The sample an element belongs to.
  func sample(_ element: ElementScan.Element) -> Int {
    element.place / max(1, tensor.shape.dropFirst().reduce(1, *))
  }
}
