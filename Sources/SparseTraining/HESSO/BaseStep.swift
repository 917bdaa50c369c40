import Runtime
import Training

/// A step of the optimizer, as it is asked for.
struct BaseStep {
  let optimizer: Optimizer
  let program: TrainingProgram?
  let rate: Double
  let largestNorm: Double?

  func make() -> Double? { optimizer.step(program, rate: rate, largestNorm: largestNorm) }

  /// With the saliency that the units had before it.
  func make(measuring hesso: HESSOSteps) -> (norm: Double?, saliency: [Double]) {
    var sums = UnitSums(hesso.table, hesso.parameters)
    let norm = optimizer.step(program, rate: rate, largestNorm: largestNorm) { parameter, before, direction in
      sums.add(parameter, before, along: direction)
    }
    hesso.terms = sums.terms
    return (norm, hesso.terms.saliency(hesso.settings.weights))
  }

  /// Makes none: what was measured is forgotten.
  func leaveOut() { optimizer.discard() }
}
