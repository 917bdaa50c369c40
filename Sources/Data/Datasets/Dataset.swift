import IR

/// Samples to train or evaluate with: so many of them, each with the same named fields.
///
/// A label is a field named ``labelField``.
public protocol Dataset: Sendable {
  /// How many samples there are.
  var count: Int { get }
  var fields: [DataField] { get }
  /// Where the data comes from, for messages.
  var source: String { get }
  /// Arrays that are at hand as a whole and can be checked before training starts, in the form they are stored in.
  var storedArrays: [StoredArray] { get }

  /// The same samples as they are, for evaluation.
  var withoutAugmentation: any Dataset { get }

  /// The same samples with no more than these fields, so that no work goes into the others.
  func keeping(_ fields: Set<String>) -> any Dataset

  /// Looks at what ``storedArrays`` does not show: files that are decoded when a batch asks for them, and numbers that
  /// are lost where they are converted.
  /// - Returns: a number that differs where what is not in ``storedArrays`` does, or what is done with the samples.
  @discardableResult
  func inspect() throws(DataError) -> UInt64

  /// The fields of some samples, each stacked along a new first axis.
  /// - Parameters:
  ///   - indices: samples, from 0; the same one may come twice.
  ///   - epoch: decides, with each sample's index, what augmentation draws.
  func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor]
}

extension Dataset {
  public func batch(indices: [Int]) throws(DataError) -> [String: Tensor] { try batch(indices: indices, epoch: 0) }

  public var withoutAugmentation: any Dataset { self }

  public func keeping(_ fields: Set<String>) -> any Dataset { self }

  public func inspect() throws(DataError) -> UInt64 { 0 }

  public func field(_ name: String) -> DataField? { fields.first { $0.name == name } }

  /// The fields beside the label.
  public var inputs: [DataField] { fields.filter { $0.name != labelField } }
}

/// The name under which data has its labels: classes as integers, or a target of the output's shape.
public let labelField = "label"

/// The name of the input where a format has no names for arrays; it fits the only input of a model, whatever its name.
public let unnamedField = "input"

/// One named part of every sample.
public struct DataField: Sendable, Equatable {
  public var name: String
  public var dataType: DataType
  /// Without the axis of samples.
  public var shape: [Int]
  /// Where it comes from, for messages: a file, and an array in it where there are several.
  public var source: String

  public init(name: String, dataType: DataType, shape: [Int], source: String) {
    self.name = name
    self.dataType = dataType
    self.shape = shape
    self.source = source
  }

  public var elementCount: Int { shape.reduce(1, *) }
}

/// An array with all samples of a field.
public struct StoredArray: Sendable {
  public var field: String
  public var source: String
  /// Its first axis counts the samples.
  public var tensor: Tensor

  public init(field: String, source: String, tensor: Tensor) {
    self.field = field
    self.source = source
    self.tensor = tensor
  }
}
