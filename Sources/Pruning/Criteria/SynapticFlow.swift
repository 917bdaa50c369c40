/// `synflow`: Σ|θ|·∂R/∂|θ|, where R is the sum of the outputs with every weight replaced by its magnitude and every
/// input by ones (Tanaka et al., "Pruning neural networks without any data by iteratively conserving synaptic flow",
/// NeurIPS 2020). It needs no data.
///
/// Between layers of linear maps and ReLU every term is positive. Where other functions saturate or normalise, a term
/// may be negative or zero; magnitudes are added up, as in the authors' code.
public struct SynapticFlow: ElementCriterion {
  public let name = "synflow"
  public let summary = "flow through the magnitudes of the weights, without data"
  public var measurement: Measurement { .synapticFlow }
  public var term: ElementTerm { .magnitude }

  public init() {}
}
