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
    var mode = "w"
    if let step, OutputPlace.isFile(path) {
      // Cut rather than written anew: a full disk cannot take the lines that stay.
      let length = try Self.length(of: path, upTo: step)
      guard truncate(path, length) == 0 else { throw Self.cannotWrite(path) }
      mode = "a"
    }
    guard let opened = fopen(path, mode) else { throw Self.cannotWrite(path) }
    self.path = path
    file = opened
  }

  /// The bytes of the lines up to a step: what is after it is made again, and so is a line that a crash cut off.
  private static func length(of path: String, upTo step: Int) throws -> Int {
    guard let file = fopen(path, "r") else {
      throw Failure.other("\(path): cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(bytes) }
    var length = 0
    var isKept = true
    while true {
      let count = getline(&bytes, &capacity, file)
      guard count > 0, let start = bytes else { return length }
      let line = String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
      let isWhole = line.utf8.last == UInt8(ascii: "\n")
      let number = Self.step(of: line)
      guard number != nil || !isWhole && Self.beginning.hasPrefix(line) else {
        throw Failure.usage("\(path): is no log of training; give another --log")
      }
      isKept = isKept && isWhole && (number ?? .max) <= step
      if isKept { length += count }
    }
  }

  private static let beginning = "{\"step\": "

  private static func step(of line: String) -> Int? {
    guard line.hasPrefix(beginning) else { return nil }
    return Int(line.dropFirst(beginning.count).prefix { $0.isNumber })
  }

  private static func cannotWrite(_ path: String) -> Failure {
    .other("\(path): cannot be written: \(String(cString: strerror(errno)))")
  }

  deinit { fclose(file) }

  mutating func write(_ step: Trainer.Step, seconds: Double) throws {
    var pairs: [(String, JSONText)] = [
      ("step", .int(step.number)), ("epoch", .int(step.epoch)),
      ("loss", step.hasLoss ? .double(step.loss) : .null),
      ("top1", step.top1.map { .double($0) } ?? .null), ("learningRate", .double(step.learningRate)),
      ("gradientNorm", step.gradientNorm.map { .double($0) } ?? .null), ("samples", .int(step.samples)),
      ("seconds", .double(seconds)),
    ]
    if step.isTrial { pairs.append(("trial", .bool(true))) }
    pairs += step.figures.map { ($0.name, JSONText.double($0.value)) }
    let line = JSONText.object(pairs).text() + "\n"
    guard fputs(line, file) >= 0, fflush(file) == 0 else { throw Self.cannotWrite(path) }
  }
}
