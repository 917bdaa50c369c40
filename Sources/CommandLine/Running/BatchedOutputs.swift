import Coppice

/// Puts together what runs on one part of the samples after the other gave.
struct BatchedOutputs {
  private let model: Model
  /// Whether the model takes any number of samples.
  private let isOpen: Bool
  private var counts: [Int] = []
  private var parts: [[String: Tensor]] = []

  init(_ model: Model) {
    self.model = model
    isOpen = ExpectedInput.all(of: model).contains { input in
      if case .known(let size)? = input.shape?.first, size >= 0 { false } else { true }
    }
  }

  /// Adds the outputs of a run on so many samples.
  mutating func add(_ outputs: [String: Tensor], count: Int) {
    counts.append(count)
    parts.append(outputs)
  }

  /// Outputs with a sample in each row, one after the other; others as they are, if all runs agree on them.
  /// - Throws: where an output has no axis of samples and follows from them nevertheless.
  func joined() throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    for info in model.graph.outputs {
      let name = model.name(of: info.value)
      let tensors = parts.compactMap { $0[name] }
      guard let first = tensors.first else { continue }
      if hasSamples(info, tensors) {
        result[name] = try Self.concatenated(tensors, name)
      } else if tensors.allSatisfy({ Self.areEqual($0, first) }) {
        result[name] = first
      } else {
        throw Failure.usage(
          "output \(name) of shape \(first.shape) has no axis of samples, and differs from batch to batch; leave "
            + "--batch out")
      }
    }
    return result
  }

  /// Whether the first axis has as many elements as samples were given, in every run, and that is no accident: a size
  /// the model fixes while it takes any number of samples does not count them. Names of sizes need not agree.
  private func hasSamples(_ output: ValueInfo, _ tensors: [Tensor]) -> Bool {
    if isOpen, case .known(let size)? = output.type?.tensor?.shape?.first?.extent,
      tensors.allSatisfy({ $0.shape.first.map { $0 == size } ?? false })
    {
      return false
    }
    return zip(tensors, counts).allSatisfy { $0.shape.first == $1 }
  }

  private static func concatenated(_ tensors: [Tensor], _ name: String) throws -> Tensor {
    let first = tensors[0]
    if let other = tensors.first(where: { $0.shape.dropFirst() != first.shape.dropFirst() }) {
      throw Failure.usage(
        "output \(name) has shape \(first.shape) in one batch and \(other.shape) in another; leave --batch out")
    }
    let regions = tensors.compactMap { $0.contiguousBytes() }
    let region = ByteRegion(count: regions.reduce(0) { $0 + $1.count }) { target in
      var offset = 0
      for region in regions {
        region.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: $0) }
        offset += region.count
      }
    }
    let count = tensors.reduce(0) { $0 + ($1.shape.first ?? 0) }
    return Tensor(
      name: name, dataType: first.dataType, shape: [count] + first.shape.dropFirst(), storage: .bytes(region))
  }

  private static func areEqual(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.shape == b.shape, a.dataType == b.dataType, let x = a.contiguousBytes(), let y = b.contiguousBytes() else {
      return false
    }
    return x.withUnsafeBytes { first in y.withUnsafeBytes { second in first.elementsEqual(second) } }
  }
}
