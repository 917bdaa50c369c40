/// The different slices along an axis of a tensor.
public struct UniqueSlices: Sendable {
  /// Of each different slice, the index where it is first.
  public let first: [Int]
  /// Of every slice, its place among the different ones.
  public let places: [Int]
  /// How often there is each.
  public let counts: [Int]

  /// - Parameter isSorted: whether slices come in ascending order, NaN last, or as they are found.
  public init<T: Comparable & BitwiseCopyable>(
    _ elements: UnsafeBufferPointer<T>, _ loops: AxisLoops, isSorted: Bool
  ) {
    let (size, inner) = (loops.size, loops.inner)
    /// −1, 0 or 1 as slice `a` comes before, with or after slice `b`; NaN equals itself here.
    func compare(_ a: Int, _ b: Int) -> Int {
      for row in 0..<loops.outer {
        for column in 0..<inner {
          let (x, y) = (
            elements[(row * size + a) * inner + column], elements[(row * size + b) * inner + column]
          )
          if x == y { continue }
          let (xIsNaN, yIsNaN) = (x != x, y != y)
          if xIsNaN && yIsNaN { continue }
          return yIsNaN || (!xIsNaN && x < y) ? -1 : 1
        }
      }
      return 0
    }
    let order = (0..<size).sorted { a, b in
      let comparison = compare(a, b)
      return comparison == 0 ? a < b : comparison < 0
    }
    var groups: [(first: Int, members: [Int])] = []
    for index in order {
      if let last = groups.last, compare(last.first, index) == 0 {
        groups[groups.count - 1].members.append(index)
      } else {
        groups.append((index, [index]))
      }
    }
    if !isSorted { groups.sort { $0.first < $1.first } }
    var places = [Int](repeating: 0, count: size)
    for (place, group) in groups.enumerated() {
      for member in group.members { places[member] = place }
    }
    first = groups.map(\.first)
    self.places = places
    counts = groups.map(\.members.count)
  }
}
