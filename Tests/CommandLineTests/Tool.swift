import Foundation
import TestSupport

/// Runs the `coppice` that was built beside these tests, in a temporary folder of its own with small models in it.
final class Tool {
  struct Mistake: Error, CustomStringConvertible {
    let description: String
  }

  let folder: URL
  private let executable: URL

  init() throws {
    executable = try Self.executable()
    folder = FileManager.default.temporaryDirectory.appending(path: "coppice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in SmallModels.texts { try SmallModels.write(text, to: folder.appending(path: name).path) }
    for (name, text) in SmallModels.files { try Data(text.utf8).write(to: folder.appending(path: name)) }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func executable() throws -> URL {
    // The test bundle's path is an argument of whatever runs the tests.
    for argument in CommandLine.arguments where argument.contains(".xctest") {
      let path = argument.split(separator: "=").last.map(String.init) ?? argument
      var url = URL(filePath: path)
      while url.path.contains(".xctest") { url.deleteLastPathComponent() }
      for name in ["coppice", "CommandLineTool"] {
        let candidate = url.appending(path: name)
        if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
      }
    }
    throw Mistake(description: "no coppice beside \(CommandLine.arguments); run swift build first")
  }

  /// Runs one command line; words are separated by spaces.
  func run(_ line: String) throws -> Outcome {
    let process = Process()
    process.executableURL = executable
    process.arguments = line.split(separator: " ").dropFirst().map(String.init)
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["COLUMNS"] = "100"
    process.environment = environment
    let (out, err) = (folder.appending(path: ".out"), folder.appending(path: ".err"))
    for url in [out, err] { try Data().write(to: url) }
    process.standardOutput = try FileHandle(forWritingTo: out)
    process.standardError = try FileHandle(forWritingTo: err)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationStatus, out: String(decoding: try Data(contentsOf: out), as: UTF8.self),
      err: String(decoding: try Data(contentsOf: err), as: UTF8.self))
  }
}

/// How a command ended.
struct Outcome {
  let code: Int32
  let out: String
  let err: String
}
