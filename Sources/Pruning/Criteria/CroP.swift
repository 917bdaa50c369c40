/// `crop`: Σ|θ·(Hg)| over everything a channel owns: how much the gradient flow gᵀg changes, either way, where its
/// weights go (Rachwan et al., "Winning the lottery ahead of time: efficient early network pruning", ICML 2022).
///
/// Unlike `grasp` it divides logits by nothing.
public struct CroP: ElementCriterion {
  public let name = "crop"
  public let summary = "change of the gradient flow without the channel"
  public var measurement: Measurement { .gradientFlow(temperature: 1) }
  public var term: ElementTerm { .magnitude }

  public init() {}
}
