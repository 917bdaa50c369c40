import Coppice

/// A loaded and analysed model with the time that took.
struct Session {
  let path: String
  let model: Model
  let analysis: ModelAnalysis
  let analysisSeconds: Double

  init(path: String, shapes: InputShapes = .none) throws {
    let start = ContinuousClock.now
    try self.init(ModelFile(path: path), shapes: shapes, since: start)
  }

  /// - Parameter start: when the reading began.
  init(_ file: ModelFile, shapes: InputShapes = .none, since start: ContinuousClock.Instant = .now) throws {
    path = file.path
    model = try file.model()
    do {
      analysis = try ModelAnalysis(model).assuming(shapes, in: model)
    } catch let error as InputShapeError {
      throw Failure.usage("\(path): \(error)")
    } catch {
      throw Failure.invalidModel("\(path): \(error)")
    }
    analysisSeconds = Self.seconds(since: start)
  }

  /// Reads and analyses a model while its file is hashed.
  static func hashed(
    path: String, shapes: InputShapes = .none
  ) throws -> (session: Session, digest: BackgroundDigest) {
    let file = try ModelFile(path: path)
    let digest = BackgroundDigest(file.bytes)
    return (try Session(file, shapes: shapes), digest)
  }

  static func seconds(since start: ContinuousClock.Instant) -> Double { seconds(ContinuousClock.now - start) }

  static func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}
