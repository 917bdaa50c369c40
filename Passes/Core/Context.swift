import Logging

/// What passes share: where to talk, how far to go, and where the model comes from. There is no other shared state.
public struct Context: Sendable {
  public var logger: Logger
  public var progress: ProgressHandler
  /// For everything drawn at random.
  public var seed: UInt64
  public var cancellation: Cancellation
  public var source: Source
  /// The model as it was before the first pass.
  public var original: Model
  /// Relative paths in options start here.
  public var folder: String
  /// Shapes of inputs for which costs are counted.
  public var inputShapes = InputShapes.none
  /// Whether passes may replace files.
  public var overwrite: Bool
  /// What the passes before this one reported, in order.
  public internal(set) var earlier: [PassRecord] = []

  /// The file a model was read from.
  public struct Source: Sendable {
    public let path: String
    /// SHA-256 of the file in hexadecimal; computed on demand, because not every pipeline needs it.
    public let digest: @Sendable () -> String

    public init(path: String, digest: @escaping @Sendable () -> String = { "" }) {
      self.path = path
      self.digest = digest
    }
  }

  public init(
    model: Model, source: Source, logger: Logger = Logger(label: "coppice"), progress: ProgressHandler = .none,
    seed: UInt64 = 0, cancellation: Cancellation = .never, folder: String = ".",
    overwrite: Bool = false
  ) {
    original = model
    self.source = source
    self.logger = logger
    self.progress = progress
    self.seed = seed
    self.cancellation = cancellation
    self.folder = folder
    self.overwrite = overwrite
  }

  /// Analyses a model, naming the file where it contradicts itself.
  public func analysis(of model: Model) throws(PassError) -> ModelAnalysis {
    let analysis: ModelAnalysis
    do { analysis = try ModelAnalysis(model) } catch { throw .invalidModel("\(source.path): \(error)") }
    do { return try analysis.assuming(inputShapes, in: model) } catch { throw .usage("\(source.path): \(error)") }
  }

  /// A path of an option, seen from the working directory.
  public func resolve(_ path: String) -> String { Self.resolve(path, in: folder) }

  public static func resolve(_ path: String, in folder: String) -> String {
    path.hasPrefix("/") || folder.isEmpty || folder == "." ? path : folder + "/" + path
  }
}

/// Lets whoever started a pipeline stop it between two steps.
public struct Cancellation: Sendable {
  private let isCancelled: @Sendable () -> Bool

  public init(_ isCancelled: @escaping @Sendable () -> Bool) { self.isCancelled = isCancelled }

  public static let never = Cancellation { false }

  /// - Throws: ``PassError/cancelled`` once the pipeline should stop.
  public func check() throws(PassError) { if isCancelled() { throw .cancelled } }
}
