/// The slices of a tensor along one axis as the rows of a matrix.
///
/// Row c holds, one after the other, the slices at every index that belongs to channel c; where channels have different
/// numbers of indices the shorter rows end in zeros.
public struct SliceMatrix: Sendable {
  public let rows: Int
  public let columns: Int
  /// Row-major.
  public internal(set) var elements: [Float]

  /// - Parameters:
  ///   - elements: the tensor's single-precision numbers, which may be unaligned.
  ///   - channels: for each index along `axis` the row it goes to, −1 for none.
  ///   - rows: one more than the largest of `channels`.
  /// - Returns: `nil` where the arguments contradict each other.
  public init?(of elements: UnsafeRawBufferPointer, shape: [Int], axis: Int, channels: [Int32], rows: Int) {
    guard shape.indices.contains(axis), channels.count == shape[axis], elements.count == 4 * shape.reduce(1, *),
      channels.allSatisfy({ $0 < rows })
    else { return nil }
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    var occurrences = [Int](repeating: 0, count: rows)
    var places: [(source: Int, target: (row: Int, place: Int))] = []
    for (index, channel) in channels.enumerated() where channel >= 0 {
      places.append((index, (Int(channel), occurrences[Int(channel)])))
      occurrences[Int(channel)] += 1
    }
    let columns = (occurrences.max() ?? 0) * outer * inner
    var values = [Float](repeating: 0, count: rows * columns)
    values.withUnsafeMutableBytes { target in
      for (source, (row, place)) in places {
        for lead in 0..<outer {
          let from = 4 * (lead * shape[axis] + source) * inner
          let to = 4 * (row * columns + (place * outer + lead) * inner)
          UnsafeMutableRawBufferPointer(rebasing: target[to..<(to + 4 * inner)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: elements[from..<(from + 4 * inner)]))
        }
      }
    }
    self.rows = rows
    self.columns = columns
    self.elements = values
  }

  /// A matrix given row by row.
  public init(rows: Int, columns: Int, elements: [Float]) {
    precondition(elements.count == rows * columns, "a matrix of another size")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }
}
