import DataSources
import Runtime

/// Why a model cannot be trained or evaluated: what, where, and what to do, in one line.
public struct TrainingError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// Settings that cannot be meant, or do not fit the model.
    case settings
    /// Data that do not fit the model or the loss.
    case data
    /// A model that cannot be run or differentiated.
    case model
    /// The loss or a weight left the finite numbers.
    case diverged
  }

  public let kind: Kind
  public let description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  public init(_ error: RuntimeError) { self.init(.model, error.description) }

  static func diverged(loss: Double, _ place: String) -> TrainingError {
    .diverged("the loss is \(loss.isNaN ? "NaN" : "infinite") \(place)")
  }

  /// - Parameter what: what is no finite number any more, and since when.
  static func diverged(_ what: String) -> TrainingError {
    TrainingError(.diverged, "training diverged: \(what); lower the learning rate, warm it up or clip gradients")
  }
}
