import IR

/// What running a model takes, known before it runs.
public struct MemoryReport: Sendable, Equatable {
  /// Weights and other constants.
  public let parameterBytes: Int
  /// Gradients of what is trained; zero when nothing is.
  public let gradientBytes: Int
  /// All tensors between inputs and outputs, those that live at the same time added up at their peak.
  public let activationBytes: Int

  /// All of it.
  public var peakBytes: Int { parameterBytes + gradientBytes + activationBytes }
}

extension Model {
  /// Bytes of the initializers while the model runs.
  func parameterBytes(in precision: Precision) -> Int {
    graph.initializers.reduce(0) { sum, initializer in
      sum + (RuntimeValue.byteCount(precision.storage(initializer.tensor.dataType), initializer.tensor.shape) ?? 0)
    }
  }
}
