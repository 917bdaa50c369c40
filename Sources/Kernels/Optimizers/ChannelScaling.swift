/// Multiplies what belongs to some channels of a tensor by a number.
public enum ChannelScaling {
  /// - Parameters:
  ///   - indices: of the axis.
  ///   - factor: zero writes zeros, whatever is there.
  public static func scale(
    _ values: UnsafeMutablePointer<Float>, _ slices: AxisSlices, indices: [Int32], by factor: Float
  ) {
    for block in 0..<slices.outer {
      for index in indices {
        let start = values + (block * slices.size + Int(index)) * slices.inner
        if factor == 0 {
          start.update(repeating: 0, count: slices.inner)
        } else {
          for element in 0..<slices.inner { start[element] *= factor }
        }
      }
    }
  }

  /// The same of single elements.
  public static func scale(_ values: UnsafeMutablePointer<Float>, elements: [Int], by factor: Float) {
    for element in elements { values[element] = factor == 0 ? 0 : values[element] * factor }
  }
}
