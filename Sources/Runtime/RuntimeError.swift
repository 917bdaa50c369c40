import Analysis
import Operators

/// Why a model cannot be run, differentiated or trained: what, where, and what to do, in one line.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
  public let description: String
  /// Whether it is that an operator has no gradient.
  public private(set) var isOfGradients = false

  public init(_ description: String) { self.description = description }

  static func gradient(node: String, _ message: String) -> RuntimeError {
    var error = RuntimeError(node: node, message)
    error.isOfGradients = true
    return error
  }

  init(node: String, _ message: String) { description = "node \(node): \(message)" }

  init(_ error: AnalysisError) { description = error.description }

  init(node: String, _ error: KernelError) {
    switch error {
    case .needsContents(let input): self.init(node: node, "what it computes depends on what input \(input) holds")
    case .unsupported(let message): self.init(node: node, "\(message), which Coppice cannot run")
    case .invalid(let message): self.init(node: node, message)
    }
  }
}
