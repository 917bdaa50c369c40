/// Where the tensors of a program lie in one stretch of memory: tensors that are not needed at the same time share it.
struct MemoryPlan {
  /// A tensor, or a kernel's scratch memory.
  struct Request {
    let byteCount: Int
    /// The first and the last step it is needed in.
    let lifetime: ClosedRange<Int>
  }

  /// By request, multiples of ``alignment``.
  private(set) var offsets: [Int]
  /// Size of the whole stretch.
  private(set) var byteCount = 0

  static let alignment = 64
  /// Offsets beyond any memory are not told apart, so that they can be added up.
  private static let farthest = 1 << 61

  /// Places large requests first, each at the lowest offset that is free for all of its life ("greedy by size" of
  /// Pisarchyk and Lee, 2020). Quadratic at worst; requests that do not live at the same time cost a comparison.
  init(_ requests: [Request]) {
    offsets = [Int](repeating: 0, count: requests.count)
    let order = requests.indices.sorted {
      (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
    }
    /// Placed requests by offset.
    var placed: [Int] = []
    for index in order where requests[index].byteCount > 0 {
      let size = Self.aligned(requests[index].byteCount)
      var offset = 0
      for other in placed where requests[other].lifetime.overlaps(requests[index].lifetime) {
        if offset + size <= offsets[other] { break }
        offset = min(max(offset, offsets[other] + Self.aligned(requests[other].byteCount)), Self.farthest)
      }
      offsets[index] = offset
      byteCount = max(byteCount, offset + size)
      let position = placed.partitioningIndex { offsets[$0] >= offset }
      placed.insert(index, at: position)
    }
  }

  static func aligned(_ byteCount: Int) -> Int { (byteCount + alignment - 1) / alignment * alignment }
}

extension Array {
  /// The first index whose element satisfies the predicate, where all that do come after all that do not.
  fileprivate func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
