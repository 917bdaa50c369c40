/// `grasp`: Σ θ·(Hg), where g is the gradient of the mean loss towards matrices and kernels and H its Hessian, with
/// logits divided by 200 (Wang et al., "Picking winning tickets before training by preserving gradient flow", ICLR
/// 2020).
///
/// To first order, the gradient flow gᵀg grows by twice −θ·(Hg) where θ goes. The paper scores by −θ·(Hg) and removes
/// the largest, so that what is left learns fastest. Here the lowest scores go first, so the sign is the other one:
/// channels with the most negative θ·(Hg) go. Signs cancel inside a channel, and no magnitude is ever taken: a large
/// negative score is the strongest reason to remove a channel, a large positive one to keep it.
public struct GraSP: ElementCriterion {
  public let name = "grasp"
  public let summary = "gradient flow that goes with the channel, signed"
  public var measurement: Measurement { .gradientFlow(temperature: 200) }
  public var term: ElementTerm { .product }

  public init() {}
}
