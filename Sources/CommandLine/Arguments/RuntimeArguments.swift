import ArgumentParser
import Kernels
import Runtime

/// How models are run.
struct RuntimeArguments: ParsableArguments {
  @Option(parsing: .unconditional, help: "Threads; as many as there are processors by default.") var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  var options: RuntimeOptions { RuntimeOptions(workers: threads.map { Workers(count: $0) } ?? .all) }
}
