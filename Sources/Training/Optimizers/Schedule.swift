import Glibc

/// How the learning rate goes over the steps.
public struct Schedule: Sendable, Equatable {
  public enum Shape: Sendable, Equatable {
    case constant
    /// Times `factor` after every `share` of all steps.
    case step(share: Double = 1.0 / 3, factor: Double = 0.1)
    /// Half a cosine from 1 to 0.
    case cosine
    /// A straight line from 1 to 0.
    case linear
  }

  public var shape: Shape
  /// Steps over which the rate first grows in a straight line.
  public var warmUpSteps: Int

  public init(_ shape: Shape = .constant, warmUpSteps: Int = 0) {
    self.shape = shape
    self.warmUpSteps = warmUpSteps
  }

  /// What the learning rate is multiplied by at a step, counted from 0.
  public func factor(step: Int, of total: Int) -> Double {
    if step < warmUpSteps { return Double(step + 1) / Double(warmUpSteps + 1) }
    let rest = max(1, total - warmUpSteps)
    let share = min(1, Double(step - warmUpSteps) / Double(rest))
    switch shape {
    case .constant: return 1
    case .step(let part, let factor): return pow(factor, (share / max(part, 1e-9) + 1e-9).rounded(.down))
    case .cosine: return 0.5 * (1 + cos(.pi * share))
    case .linear: return 1 - share
    }
  }
}
