import IR

/// Some samples of another data set.
public struct DatasetPart: Dataset {
  private let base: any Dataset
  private let samples: [Int]

  /// - Precondition: `samples` are numbers of samples of `base`.
  public init(_ base: any Dataset, samples: [Int]) {
    self.base = base
    self.samples = samples
  }

  public var count: Int { samples.count }
  public var fields: [DataField] { base.fields }
  public var source: String { base.source }
  /// Those of the whole: what is wrong with any sample is found.
  public var storedArrays: [StoredArray] { base.storedArrays }
  public var withoutAugmentation: any Dataset { DatasetPart(base.withoutAugmentation, samples: samples) }

  public func keeping(_ fields: Set<String>) -> any Dataset { DatasetPart(base.keeping(fields), samples: samples) }

  public func inspect() throws(DataError) -> UInt64 {
    var fingerprint = Fingerprint()
    let whole = try base.inspect()
    fingerprint.add(whole)
    for sample in samples { fingerprint.add(UInt64(bitPattern: Int64(sample))) }
    return fingerprint.value
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    try base.batch(indices: indices.map { samples[$0] }, epoch: epoch)
  }
}
