/// `synflow`: Σ|θ|·∂R/∂|θ|, where R is the sum of the outputs with every weight replaced by its magnitude and every
/// input by ones (Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow",
/// NeurIPS 2020). It needs no data.
///
/// The scores of every layer add up to the same, R, so that channels of wide layers have small ones. At once, over all
/// groups, wide layers are therefore emptied before others lose anything. As their channels get fewer each of them gets
/// more of the flow: scored anew after every small part that goes, no layer collapses (theorem 3 of the paper). The
/// paper takes 100 rounds, each of which keeps the same share of what is left, and compares all groups as they are:
/// `--criterion synflow --scope global --rounds 100`. Scores that are normalised are no flow any more, so they are not.
///
/// Between layers of linear maps and ReLU every term is positive. Where other functions saturate or normalise, a term
/// may be negative or zero; magnitudes are added up, as in the authors' code.
public struct SynapticFlow: ElementCriterion {
  public let name = "synflow"
  public let summary = "flow through the magnitudes of the weights, without data"
  public var measurement: Measurement { .synapticFlow }
  public var term: ElementTerm { .magnitude }
  public var usualNormalization: ScoreNormalization { .none }

  public init() {}
}
