/// `fisher`: Σ θ²·E[g²] over everything a channel owns, where g is the gradient of one sample's loss: the saliency of
/// optimal brain damage with the diagonal of the empirical Fisher information for that of the Hessian (LeCun et al.,
/// "Optimal brain damage", 1989; Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018).
///
/// Squares of single samples' gradients do not vanish where their mean does, at the end of training. The factor ½ is
/// left out: it changes no order.
public struct FisherInformation: ElementCriterion {
  public let name = "fisher"
  public let summary = "squared weights times squared gradients of single samples"
  public var measurement: Measurement { .squaredGradients }
  public var term: ElementTerm { .square }

  public init() {}
}
