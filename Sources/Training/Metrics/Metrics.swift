import Glibc
import IR

/// How well outputs agree with labels or targets, collected over batches.
public struct Metrics: Sendable {
  public private(set) var samples = 0
  /// Rows of classes, or elements, that the sums are over.
  private(set) var counted = 0
  private var lossSum = 0.0
  private var top1Count = 0
  private var top5Count = 0
  private let kind: Loss.Kind

  public init(_ kind: Loss.Kind) {
    self.kind = kind
  }

  public var loss: Double { counted == 0 ? .nan : lossSum / Double(counted) }
  private var hasClasses: Bool { if case .crossEntropy = kind { true } else { false } }
  /// The share of rows whose label has the largest output; `nil` where there are no classes.
  public var top1: Double? { hasClasses && counted > 0 ? Double(top1Count) / Double(counted) : nil }
  /// The share of rows whose label is among the five largest outputs.
  public var top5: Double? { hasClasses && counted > 0 ? Double(top5Count) / Double(counted) : nil }
  /// e to the mean cross-entropy.
  public var perplexity: Double? { hasClasses && counted > 0 ? exp(loss) : nil }
  /// The mean of squared differences, where that is the loss.
  public var meanSquaredError: Double? { kind == .meanSquaredError && counted > 0 ? loss : nil }

  /// Adds a batch.
  /// - Throws: where labels do not fit the output.
  public mutating func add(_ output: Tensor, labels: Tensor) throws(TrainingError) {
    guard let values = output.floats() else {
      throw TrainingError(.model, "outputs of type \(output.dataType) have no metrics")
    }
    if hasClasses {
      try addClasses(values, output.shape, labels)
    } else {
      guard let targets = labels.floats(), targets.count == values.count else {
        throw TrainingError(.data, "targets have shape \(labels.shape), outputs \(output.shape)")
      }
      addElements(values, targets)
    }
    samples += output.shape.first ?? 1
  }

  private mutating func addClasses(_ values: [Float], _ shape: [Int], _ labels: Tensor) throws(TrainingError) {
    guard let classes = labels.integers() else {
      throw TrainingError(.data, "labels are \(labels.dataType), expected whole numbers")
    }
    let axis = try ClassAxis(output: shape, labels: labels.shape)
    values.withUnsafeBufferPointer { values in
      for (row, label) in classes.enumerated() where label >= 0 && label < axis.classes {
        addRow(values, start: axis.start(of: row), axis, label)
      }
    }
    if let stray = classes.first(where: { $0 >= axis.classes }) {
      throw TrainingError(.data, "label \(stray) is none of the \(axis.classes) classes of the output")
    }
  }

  private mutating func addRow(_ values: UnsafeBufferPointer<Float>, start: Int, _ axis: ClassAxis, _ label: Int) {
    let mine = values[start + label * axis.inner]
    var largest = -Float.infinity
    var above = 0
    for index in 0..<axis.classes {
      let value = values[start + index * axis.inner]
      largest = max(largest, value)
      // Of equal outputs the first counts as the larger, and what is no number is never right.
      if value > mine || (value == mine && index < label) || mine.isNaN { above += 1 }
    }
    var sum = 0.0
    for index in 0..<axis.classes { sum += Double(exp(values[start + index * axis.inner] - largest)) }
    lossSum += Double(largest) + log(sum) - Double(mine)
    counted += 1
    if above == 0 { top1Count += 1 }
    if above < 5 { top5Count += 1 }
  }

  private mutating func addElements(_ values: [Float], _ targets: [Float]) {
    for (value, target) in zip(values, targets) {
      let (x, t) = (Double(value), Double(target))
      lossSum += kind == .meanSquaredError ? (x - t) * (x - t) : max(x, 0) - x * t + log1p(exp(-abs(x)))
    }
    counted += values.count
  }
}

/// Where the classes are in an output.
struct ClassAxis {
  let axis: Int
  let classes: Int
  let inner: Int

  /// The axis labels lack: the last, or axis 1.
  init(output: [Int], labels: [Int], source: String? = nil) throws(TrainingError) {
    let candidates = output.count > 1 ? [output.count - 1, 1] : []
    let fitting = candidates.first { axis in
      var rest = output
      rest.remove(at: axis)
      return rest == labels
    }
    guard let fitting else {
      let place = source.map { "\($0): " } ?? ""
      let advice = output.count > 1 ? "" : ", which have no axis of classes; choose another output or loss"
      throw TrainingError(.data, "\(place)labels of shape \(labels) do not fit outputs of shape \(output)\(advice)")
    }
    axis = fitting
    classes = output[fitting]
    inner = output[(fitting + 1)...].reduce(1, *)
  }

  func start(of row: Int) -> Int { row / inner * classes * inner + row % inner }
}
