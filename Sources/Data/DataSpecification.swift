import IR

/// What a user says about data: where it is, what it is, and what is done with it before a network sees it.
///
/// Everything but the path has a default that the file's name or contents decide.
public struct DataSpecification: Sendable, Equatable {
  public enum Format: String, Sendable, CaseIterable {
    case npz, npy, csv, idx, images, tokens
    case cifar10 = "cifar-10"
    case cifar100 = "cifar-100"
    case cifar100Coarse = "cifar-100-coarse"
  }

  public var path: String
  public var format: Format?
  /// The name of the input, for formats that have no names for arrays.
  public var input: String
  /// The file of the labels, for IDX.
  public var labels: String?
  public var table: CSVFile.Options
  /// The shape of a sample, where the file has it in another one.
  public var shape: [Int]?
  /// For folders of pictures.
  public var imageSize: ImageSize?
  public var channels: Int
  /// For tokens.
  public var sequenceLength: Int?
  public var stride: Int?
  /// By default pictures become numbers from 0 to 1, other data stays as it is.
  public var normalization: Normalization
  public var augmentations: [Augmentation]
  public var layout: ImageLayout
  /// What augmentation draws from.
  public var seed: UInt64

  public init(
    path: String, format: Format? = nil, input: String = unnamedField, labels: String? = nil,
    table: CSVFile.Options = .init(), shape: [Int]? = nil, imageSize: ImageSize? = nil, channels: Int = 3,
    sequenceLength: Int? = nil, stride: Int? = nil, normalization: Normalization = .init(),
    augmentations: [Augmentation] = [], layout: ImageLayout = .nchw, seed: UInt64 = 0
  ) {
    self.path = path
    self.format = format
    self.input = input
    self.labels = labels
    self.table = table
    self.shape = shape
    self.imageSize = imageSize
    self.channels = channels
    self.sequenceLength = sequenceLength
    self.stride = stride
    self.normalization = normalization
    self.augmentations = augmentations
    self.layout = layout
    self.seed = seed
  }

  /// Opens the data: reads what is small, maps what is large, decodes nothing yet.
  /// - Throws: where that cannot be done as it is said; all errors name the data.
  public func open() throws(DataError) -> any Dataset {
    do throws(DataError) { return try prepared() } catch {
      guard case .setting(let name, let reason) = error, !reason.contains(path) else { throw error }
      throw .setting(name: name, reason: "\(path): \(reason)")
    }
  }

  /// What is said, or else told by the name of the file.
  public func knownFormat() throws(DataError) -> Format {
    if let format { return format }
    return try Self.format(of: path, isTokens: sequenceLength != nil)
  }

  private func prepared() throws(DataError) -> any Dataset {
    let format = try knownFormat()
    try checkUse(in: format)
    let base = try base(format)
    let isPictures = [.idx, .images, .cifar10, .cifar100, .cifar100Coarse].contains(format)
    let normalization = self.normalization.completed(forBytes: isPictures)
    var steps: [PreparedDataset.Step] = []
    for field in base.fields {
      steps.append(
        field.name == labelField
          ? Self.labelStep(field) : try inputStep(field, normalization, isOnly: base.inputs.count == 1))
    }
    guard augmentations.isEmpty || steps.contains(where: { $0.pass != nil && $0.shape.count == 3 }) else {
      throw .setting(
        name: "augment", reason: "samples of \(path) are not pictures: these have channels, rows and columns")
    }
    return PreparedDataset(base, steps: steps)
  }

  /// Refuses what would be said in vain.
  private func checkUse(in format: Format) throws(DataError) {
    let uses: [(name: String, isSaid: Bool, formats: [Format])] = [
      ("labels", labels != nil, [.idx]), ("label column", table.label != nil, [.csv]),
      ("header", table.hasHeader != nil, [.csv]), ("separator", table.separator != ",", [.csv]),
      ("image size", imageSize != nil, [.images]), ("image channels", channels != 3, [.images]),
      ("sequence length", sequenceLength != nil, [.tokens]), ("sequence stride", stride != nil, [.tokens]),
    ]
    for use in uses where use.isSaid && !use.formats.contains(format) {
      let names = use.formats.map(\.rawValue).joined(separator: ", ")
      throw .setting(name: use.name, reason: "is for \(names); \(path) is \(format.rawValue)")
    }
  }

  private func base(_ format: Format) throws(DataError) -> any Dataset {
    switch format {
    case .npz: return try ArrayDataset(archive: path)
    case .npy: return try ArrayDataset(array: path, field: input)
    case .csv: return try ArrayDataset(csv: path, table, field: input)
    case .idx: return try ArrayDataset(idx: path, labels: labels, field: input)
    case .images: return try ImageFolder(path, size: imageSize, channels: channels, field: input)
    case .cifar10: return try ArrayDataset(cifar: path, .cifar10, field: input)
    case .cifar100: return try ArrayDataset(cifar: path, .cifar100, field: input)
    case .cifar100Coarse: return try ArrayDataset(cifar: path, .cifar100Coarse, field: input)
    case .tokens:
      guard let sequenceLength else {
        throw .setting(name: "sequence length", reason: "say how many tokens of \(path) are one sample")
      }
      return try TokenDataset(path, sequenceLength: sequenceLength, stride: stride, field: input)
    }
  }

  /// Tells the format by the name of the file.
  /// - Parameter isTokens: whether something was said that is meant for tokens only.
  public static func format(of path: String, isTokens: Bool = false) throws(DataError) -> Format {
    guard InputFile.exists(path) else { throw .cannotOpen(path: path, reason: "there is no such file") }
    switch CIFARFile.kind(of: path) {
    case .cifar10 where !isTokens: return .cifar10
    case .cifar100 where !isTokens: return .cifar100
    default: break
    }
    if InputFile.isFolder(path) { return .images }
    let name = InputFile.name(of: path).lowercased()
    let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    if plain.hasSuffix(".npz") { return .npz }
    if plain.hasSuffix(".npy") { return isTokens ? .tokens : .npy }
    if plain.hasSuffix(".csv") { return .csv }
    if plain.hasSuffix("ubyte") || plain.hasSuffix(".idx") { return .idx }
    if plain.hasSuffix(".bin") { return .tokens }
    throw .unsupported(
      path: path, place: "",
      reason: "its name does not tell its format; there are \(Format.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  private func inputStep(
    _ field: DataField, _ normalization: Normalization, isOnly: Bool
  ) throws(DataError) -> PreparedDataset.Step {
    let shape = isOnly ? self.shape ?? field.shape : field.shape
    guard shape.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) || shape == field.shape,
      shape.count < 16, Self.product(shape) == field.elementCount
    else {
      throw .setting(
        name: "sample shape",
        reason: "\(DataError.text(shape)) has not the \(field.elementCount) numbers of a sample of \(field.source)")
    }
    let isPicture = shape.count == 3
    let isChanged = !normalization.isIdentity || (isPicture && (!augmentations.isEmpty || layout == .nhwc))
    // Integers stay what they are, numbers of tokens or masks, unless they can only be meant.
    let isMeant = field.dataType.isFloatingPoint || field.dataType == .uint8 || isOnly
    guard isChanged, isMeant, isPicture || isOnly else {
      return PreparedDataset.Step(from: field, name: field.name, dataType: field.dataType, shape: shape)
    }
    var step = PreparedDataset.Step(from: field, name: field.name, dataType: .float, shape: shape)
    step.pass = try PicturePass(shape: shape, normalization, augmentations, layout, seed: seed)
    step.plainPass = try PicturePass(shape: shape, normalization, [], layout, seed: seed)
    return step
  }

  private static func product(_ shape: [Int]) -> Int? {
    var result = 1
    for size in shape {
      let (product, overflow) = result.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      result = product
    }
    return result
  }

  /// Classes are counted in 64 bits, targets are numbers of single precision, whatever the file has.
  static func labelStep(_ field: DataField) -> PreparedDataset.Step {
    let type: DataType =
      switch field.dataType {
      case .double: .float
      case let kept where kept.isFloatingPoint: kept
      default: .int64
      }
    return PreparedDataset.Step(from: field, name: field.name, dataType: type, shape: field.shape)
  }
}
