import Coppice
import Files
import Glibc
import Training

/// A line of JSON a step.
struct TrainLog: ~Copyable {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  /// - Parameter step: the step of the checkpoint a run goes on from, after which the log goes on; `nil` for a new one.
  /// - Throws: where the file cannot be written, or holds something else than such lines.
  init(path: String, goingOnAfter step: Int?) throws {
    let kept = try step.map { try Self.lines(of: path, upTo: $0) } ?? ""
    let opened = fopen(path, "w")
    guard let opened, fputs(kept, opened) >= 0, fflush(opened) == 0 else {
      let reason = String(cString: strerror(errno))
      if let opened { fclose(opened) }
      throw Failure.other("\(path): cannot be written: \(reason)")
    }
    self.path = path
    file = opened
  }

  /// The lines of the steps that a checkpoint knows: those after it are made again.
  private static func lines(of path: String, upTo step: Int) throws -> String {
    guard OutputPlace.isFile(path), let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    var kept = ""
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      guard line.hasPrefix(Self.beginning),
        let number = Int(line.dropFirst(Self.beginning.count).prefix { $0.isNumber })
      else { throw Failure.usage("\(path): is no log of training; give another --log") }
      if number <= step { kept += line + "\n" }
    }
    return kept
  }

  private static let beginning = "{\"step\": "

  deinit { fclose(file) }

  mutating func write(_ step: Trainer.Step, seconds: Double) throws {
    let line = JSONText.object([
      ("step", .int(step.number)), ("epoch", .int(step.epoch)),
      ("loss", step.hasLoss ? .double(step.loss) : .null),
      ("top1", step.top1.map { .double($0) } ?? .null), ("learningRate", .double(step.learningRate)),
      ("gradientNorm", step.gradientNorm.map { .double($0) } ?? .null), ("samples", .int(step.samples)),
      ("seconds", .double(seconds)),
    ])
    guard fputs(line.text() + "\n", file) >= 0, fflush(file) == 0 else {
      throw Failure.other("\(path): cannot be written: \(String(cString: strerror(errno)))")
    }
  }
}
