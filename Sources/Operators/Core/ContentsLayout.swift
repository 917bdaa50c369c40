import Dimensions

/// Rearranging the elements of small tensors, for shape arithmetic that goes through matrices.
enum ContentsLayout {
  /// The elements at `indices` of each axis, row-major.
  /// - Returns: `nil` where the shape is not known or does not fit the contents.
  static func select(_ contents: [Element], shape: [Size], indices: [[Int]]) -> [Element]? {
    guard let sizes = known(shape, contents), indices.count == sizes.count else { return nil }
    var offsets = [0]
    for (axis, size) in sizes.enumerated() {
      guard indices[axis].allSatisfy({ $0 >= 0 && $0 < size }) else { return nil }
      offsets = offsets.flatMap { outer in indices[axis].map { outer * size + $0 } }
    }
    return offsets.map { contents[$0] }
  }

  /// The elements with the axes in the order of `permutation`.
  static func transpose(_ contents: [Element], shape: [Size], permutation: [Int]) -> [Element]? {
    guard let sizes = known(shape, contents), permutation.count == sizes.count else { return nil }
    var strides = [Int](repeating: 1, count: sizes.count)
    for axis in stride(from: sizes.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * sizes[axis + 1]
    }
    var offsets = [0]
    for axis in permutation {
      offsets = offsets.flatMap { outer in (0..<sizes[axis]).map { outer + $0 * strides[axis] } }
    }
    return offsets.map { contents[$0] }
  }

  private static func known(_ shape: [Size], _ contents: [Element]) -> [Int]? {
    let sizes = shape.compactMap(\.known)
    guard sizes.count == shape.count, sizes.allSatisfy({ $0 >= 0 }),
      Size.product(shape)?.known == contents.count
    else { return nil }
    return sizes
  }
}
