import IR

extension ModelAnalysis {
  /// The analysis of the same graph with other numbers in its weights: dimensions, groups and costs stay, because they
  /// follow from shapes alone.
  /// - Parameter tensor: by index into ``weights``, the tensor in its place; `nil`, or one of another shape or type,
  ///   leaves what there is.
  public func replacingTensors(_ tensor: (_ weight: Int) -> Tensor?) -> ModelAnalysis {
    var analysis = self
    for index in analysis.weights.indices {
      let old = analysis.weights[index].tensor
      guard let new = tensor(index), new.shape == old.shape, new.dataType == old.dataType else { continue }
      analysis.weights[index].tensor = new
    }
    return analysis
  }
}
