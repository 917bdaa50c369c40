import IR
import Kernels

/// The floating-point type a model runs in, whatever type its tensors are stored in.
public enum Precision: Sendable {
  /// `Float`: half-precision tensors are widened.
  case single
  /// `Double`, to hold gradients against difference quotients.
  case double

  /// The type elements have in memory while a model runs.
  func storage(_ type: DataType) -> DataType {
    switch type {
    case .float16, .bfloat16, .float: self == .double ? .double : .float
    default: type
    }
  }
}

public struct RuntimeOptions: Sendable {
  public var precision: Precision
  /// The threads kernels divide their work among.
  public var workers: Workers

  public init(precision: Precision = .single, workers: Workers = .all) {
    self.precision = precision
    self.workers = workers
  }
}
