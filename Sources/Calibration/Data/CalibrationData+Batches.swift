import DataSources
import IR
import Training

extension CalibrationData {
  /// The first samples: at most so many, or as many more as the model needs where it takes an exact number at once.
  func first(_ limit: Int, for model: Model) -> CalibrationData {
    let fixed = ExpectedInput.all(of: model).lazy.compactMap(\.fixedSamples).first ?? 1
    guard limit > 0 else { return first(0) }
    // Declared numbers may be so large that nothing can be added to them.
    let missing = (fixed - limit % fixed) % fixed
    return limit >= count - missing ? self : first(limit + missing)
  }

  /// Ranges of samples a model can be run on, in order: at most so many, or as many as it is fixed to.
  ///
  /// Of a model that takes an exact number of samples at once, those left over at the end are left out.
  /// - Throws: where there are fewer samples than the model takes.
  func batches(of size: Int, for model: Model) throws(TrainingError) -> [Range<Int>] {
    guard let fixed = ExpectedInput.all(of: model).lazy.compactMap(\.fixedSamples).first else {
      return batches(of: size)
    }
    let ranges = batches(of: fixed).filter { $0.count == fixed }
    guard !ranges.isEmpty else {
      throw TrainingError(
        .data, "\(source): the model takes exactly \(fixed) samples at once, there are \(count); give more")
    }
    return ranges
  }
}

extension ExpectedInput {
  /// The number of samples the model is fixed to; `nil` where it takes any.
  fileprivate var fixedSamples: Int? {
    if case .known(let size)? = shape?.first, size > 0 { Int(clamping: size) } else { nil }
  }
}
