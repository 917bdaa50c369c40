/// `snip`: Σ|θ·g| over everything a channel owns, where g is the gradient of the mean loss (Lee et al., "SNIP:
/// single-shot network pruning based on connection sensitivity", ICLR 2019; summed over coupled channels as Wang et
/// al., "Structurally prune anything", 2024, do).
///
/// Gradients are averaged over all samples before magnitudes are taken, so a model that is trained to the end, where
/// they vanish, is better scored by ``FisherInformation``.
public struct SNIP: ElementCriterion {
  public let name = "snip"
  public let summary = "magnitude of weights times gradients"
  public var measurement: Measurement { .gradients }
  public var term: ElementTerm { .magnitude }

  public init() {}
}
