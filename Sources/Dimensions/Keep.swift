/// Which indices of each free dimension survive; dimensions that are not listed keep all of theirs.
public struct KeepSets: Sendable {
  private var kept: [DimensionID: [Int32]] = [:]

  public init() {}

  /// The kept indices of a root dimension in ascending order, or `nil` where all are kept.
  public subscript(root: DimensionID) -> [Int32]? {
    get { kept[root] }
    set { kept[root] = newValue }
  }

  public var dimensions: [DimensionID] { kept.keys.sorted() }
}

extension DimensionTable {
  /// The kept indices along an axis with this term, or `nil` where all are kept.
  public func keptIndices(_ dimension: DimensionID, _ keep: KeepSets) -> [Int32]? {
    let root = root(dimension)
    guard let binding = binding(root) else { return keep[root] }
    let parts = binding.parts.map { (kept: keptIndices($0, keep), size: size($0).known) }
    if parts.allSatisfy({ $0.kept == nil }) { return nil }
    var result: [Int32] = []
    switch binding {
    case .product:
      result = [0]
      for part in parts {
        guard let size = part.size else { return nil }
        let indices = part.kept ?? Array(0..<Int32(size))
        result = result.flatMap { outer in indices.map { outer * Int32(size) + $0 } }
      }
    case .sum:
      var offset: Int32 = 0
      for part in parts {
        guard let size = part.size else { return nil }
        result += (part.kept ?? Array(0..<Int32(size))).map { $0 + offset }
        offset += Int32(size)
      }
    }
    return result
  }

  /// The size of an axis with this term after pruning, where `count` gives the kept number of a free root dimension.
  public func keptSize(_ dimension: DimensionID, _ count: (DimensionID) -> Int?) -> Size? {
    let root = root(dimension)
    guard let binding = binding(root) else { return count(root).map { .known($0) } ?? size(root) }
    var total: Size
    switch binding {
    case .product(let parts):
      total = .known(1)
      for part in parts {
        guard let size = keptSize(part, count), let next = total.times(size) else { return nil }
        total = next
      }
    case .sum(let parts):
      total = .known(0)
      for part in parts {
        guard let size = keptSize(part, count), let next = total.plus(size) else { return nil }
        total = next
      }
    }
    return total
  }
}

extension DimensionTable {
  /// For an axis with term `axis`: which index of `leaf` (a free root) each index of the axis belongs to, −1 where an
  /// index of the axis does not depend on the leaf.
  /// - Returns: `nil` where the leaf does not occur in the term, or a size is unknown.
  public func indexMap(of leaf: DimensionID, in axis: DimensionID) -> [Int32]? {
    let root = root(axis)
    guard let binding = binding(root) else {
      guard root == leaf, let size = size(root).known else { return nil }
      return Array(0..<Int32(size))
    }
    var found = false
    var parts: [(map: [Int32]?, size: Int)] = []
    for part in binding.parts {
      guard let size = size(part).known else { return nil }
      let map = indexMap(of: leaf, in: part)
      found = found || map != nil
      parts.append((map, size))
    }
    guard found else { return nil }
    switch binding {
    case .sum:
      return parts.flatMap { $0.map ?? [Int32](repeating: -1, count: $0.size) }
    case .product:
      var result: [Int32] = [-1]
      for part in parts {
        var next: [Int32] = []
        next.reserveCapacity(result.count * part.size)
        for outer in result {
          // Where a leaf occurs twice in a product the outer occurrence names the index.
          for inner in 0..<part.size { next.append(outer >= 0 ? outer : part.map?[inner] ?? -1) }
        }
        result = next
      }
      return result
    }
  }
}
