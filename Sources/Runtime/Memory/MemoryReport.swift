/// What running a model takes, known before it runs.
public struct MemoryReport: Sendable, Equatable {
  /// Weights and other constants as they are computed with, after what can be folded has been.
  public let parameterBytes: Int
  /// Gradients of what is trained; zero when nothing is.
  public let gradientBytes: Int
  /// All tensors between inputs and outputs, those that live at the same time added up at their peak.
  public let activationBytes: Int

  /// All of it.
  public var peakBytes: Int { parameterBytes + gradientBytes + activationBytes }
}
