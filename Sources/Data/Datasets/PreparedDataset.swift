import IR

/// Samples of another data set under other names, in other types, normalised and augmented.
public struct PreparedDataset: Dataset {
  /// What becomes of one field.
  struct Step: Sendable {
    var from: DataField
    var name: String
    var dataType: DataType
    /// Of a sample after reshaping, before ``pass``.
    var shape: [Int]
    /// Only for fields of type `float`.
    var pass: PicturePass?
    /// The same without augmentation.
    var plainPass: PicturePass?

    var field: DataField {
      DataField(name: name, dataType: dataType, shape: pass?.shape ?? shape, source: from.source)
    }
  }

  private let base: any Dataset
  private var steps: [Step]

  init(_ base: any Dataset, steps: [Step]) {
    self.base = base.keeping(Set(steps.map(\.from.name)))
    self.steps = steps
  }

  public var source: String { base.source }
  public var count: Int { base.count }
  public var fields: [DataField] { steps.map(\.field) }

  public var storedArrays: [StoredArray] {
    let arrays = base.storedArrays
    return steps.flatMap { step in
      arrays.filter { $0.field == step.from.name }.map {
        StoredArray(field: step.name, source: $0.source, tensor: $0.tensor)
      }
    }
  }

  public var withoutAugmentation: any Dataset {
    var copy = PreparedDataset(base.withoutAugmentation, steps: steps)
    for index in steps.indices { copy.steps[index].pass = steps[index].plainPass }
    return copy
  }

  public func keeping(_ fields: Set<String>) -> any Dataset {
    PreparedDataset(base, steps: steps.filter { fields.contains($0.name) })
  }

  public func inspect() throws(DataError) -> UInt64 {
    let arrays = base.storedArrays
    var fingerprint = Fingerprint()
    for step in steps {
      for array in arrays where array.field == step.from.name { try Self.check(array, step) }
      fingerprint.add("\(step.from.name) \(step.name) \(step.dataType) \(step.shape) \(step.pass?.identity ?? "")")
    }
    let rest = try base.inspect()
    fingerprint.add(rest)
    return fingerprint.value
  }

  /// - Throws: where a number is one no more in the type it is converted to.
  private static func check(_ array: StoredArray, _ step: Step) throws(DataError) {
    guard let lost = ElementConversion.firstLost(array.tensor, to: step.dataType) else { return }
    guard !array.tensor.dataType.isFloatingPoint else {
      let precision = step.dataType == .float16 ? "half" : "single"
      throw .notFinite(
        source: array.source, sample: array.sample(lost), value: "\(lost.text), infinite in \(precision) precision")
    }
    throw .unsupported(
      path: array.source, place: "sample \(array.sample(lost))",
      reason: "\(lost.text) is no \(step.dataType), which \(step.name) is converted to; renumber the data")
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    let raw = try base.batch(indices: indices, epoch: epoch)
    var result: [String: Tensor] = [:]
    for step in steps {
      guard let tensor = raw[step.from.name], var converted = ElementConversion.convert(tensor, to: step.dataType)
      else {
        continue
      }
      converted.name = step.name
      converted.shape = [indices.count] + step.field.shape
      if let pass = step.pass, !pass.isIdentity, let region = converted.contiguousBytes() {
        converted.storage = .bytes(pass.apply(region, indices: indices, epoch: epoch))
      }
      result[step.name] = converted
    }
    return result
  }
}
