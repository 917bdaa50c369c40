import DataSources
import IR

/// The pictures of another data set, each corrupted: in single precision and with three axes a sample, as a model takes
/// them. Labels and other fields stay as they are.
///
/// What is drawn depends on the seed, the field and the number of the sample alone.
public struct CorruptedDataset: Dataset {
  private var base: any Dataset
  private let corruption: Corruption
  private let severity: Int
  private let layout: ImageLayout
  private let seed: UInt64

  /// - Throws: for a severity there is not, and where no field holds pictures.
  public init(
    _ base: any Dataset, _ corruption: Corruption, severity: Int = 3, layout: ImageLayout = .nchw, seed: UInt64 = 0
  ) throws(DataError) {
    guard Corruption.severities.contains(severity) else {
      throw .setting(name: "severity", reason: "\(severity) is not from 1 to \(Corruption.severities.upperBound)")
    }
    guard base.fields.contains(where: { Self.shape(of: $0, layout) != nil }) else {
      throw .setting(
        name: "corruption", reason: "\(base.source): no input is a picture, with three axes a sample and float numbers")
    }
    self.base = base
    self.corruption = corruption
    self.severity = severity
    self.layout = layout
    self.seed = seed
  }

  public var count: Int { base.count }
  public var fields: [DataField] { base.fields }
  public var source: String { base.source }
  public var storedArrays: [StoredArray] { base.storedArrays }

  public var withoutAugmentation: any Dataset {
    var copy = self
    copy.base = base.withoutAugmentation
    return copy
  }

  public func keeping(_ fields: Set<String>) -> any Dataset {
    var copy = self
    copy.base = base.keeping(fields)
    return copy
  }

  public func inspect() throws(DataError) -> UInt64 {
    let rest = try base.inspect()
    return Self.hash("\(corruption.rawValue) \(severity) \(layout.rawValue) \(seed)") ^ rest
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    var batch = try base.batch(indices: indices, epoch: epoch)
    for field in base.fields {
      guard let shape = Self.shape(of: field, layout), let tensor = batch[field.name], let values = tensor.floats(),
        values.count == indices.count * shape.count
      else { continue }
      batch[field.name] = Tensor(
        name: tensor.name, floats: corrupted(values, shape, field.name, indices), shape: tensor.shape)
    }
    return batch
  }

  private func corrupted(_ values: [Float], _ shape: PictureShape, _ field: String, _ indices: [Int]) -> [Float] {
    let place = Int(truncatingIfNeeded: Self.hash("\(corruption.rawValue) \(field)"))
    var result: [Float] = []
    result.reserveCapacity(values.count)
    for (row, sample) in indices.enumerated() {
      var random = CounterRandom(seed: seed, place, sample)
      let picture = Array(values[(row * shape.count)..<((row + 1) * shape.count)])
      result += corruption.corrupted(picture, shape, severity: severity, random: &random)
    }
    return result
  }

  private static func shape(of field: DataField, _ layout: ImageLayout) -> PictureShape? {
    guard field.name != labelField, field.dataType == .float else { return nil }
    return PictureShape(field.shape, layout: layout)
  }

  /// FNV-1a, because the standard library's hashes differ from run to run.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  }
}
