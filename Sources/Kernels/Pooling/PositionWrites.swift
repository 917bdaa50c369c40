/// Writes elements at given positions of planes of zeros: what `MaxUnpool` does.
public enum PositionWrites {
  /// Positions count through a tensor of `planes` whose planes have the shape `inner`; these lie at the start of planes
  /// of the shape `outer`, each axis of which is at least as long.
  /// - Returns: the first position outside of the tensor, if there is any; what is written then does not matter.
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, positions: UnsafePointer<Int64>, count: Int, _ y: UnsafeMutablePointer<T>, planes: Int,
    inner: [Int], outer: [Int]
  ) -> Int64? {
    let (innerCount, outerCount) = (inner.reduce(1, *), outer.reduce(1, *))
    y.update(repeating: 0, count: planes * outerCount)
    for index in 0..<count {
      let position = positions[index]
      guard position >= 0, position < Int64(planes * innerCount) else { return position }
      var rest = Int(position) % innerCount
      var (place, step) = (Int(position) / innerCount * outerCount, 1)
      for axis in inner.indices.reversed() {
        place += rest % inner[axis] * step
        rest /= inner[axis]
        step *= outer[axis]
      }
      y[place] = x[index]
    }
    return nil
  }
}
