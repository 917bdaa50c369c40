import Coppice

/// A loaded and analysed model with the time that took.
struct Session {
  let path: String
  let model: Model
  let analysis: ModelAnalysis
  let analysisSeconds: Double

  init(path: String) throws {
    self.path = path
    let start = ContinuousClock.now
    model = try Model(contentsOf: path)
    do {
      analysis = try ModelAnalysis(model)
    } catch {
      throw Failure.invalidModel("\(path): \(error)")
    }
    analysisSeconds = Self.seconds(since: start)
  }

  static func seconds(since start: ContinuousClock.Instant) -> Double { seconds(ContinuousClock.now - start) }

  static func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
}

/// A small or mapped file read as it is.
struct FileBytes {
  let region: ByteRegion

  init(path: String) throws(ONNXFileError) { region = try ONNXReader.bytes(ofFile: path) }
}
