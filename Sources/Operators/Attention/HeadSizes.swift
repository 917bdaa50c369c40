import Dimensions
import IR

/// How many heads an attention has and how wide they are, as its attributes and the shapes of its inputs say.
struct HeadSizes: Equatable {
  /// Heads of the queries.
  var heads: Int
  /// Heads of keys and values; each serves the same number of query heads.
  var groups: Int
  /// Width of a query's and a key's head.
  var width: Int
  /// Width of a value's head.
  var valueWidth: Int

  var repeats: Int { heads / groups }

  /// Numbers this small multiply without overflow.
  private static let counts = 1..<(1 << 31)

  /// - Returns: `nil` where a count is missing, out of range, or does not divide what it counts.
  init?(heads: Int?, groups: Int?, width: Int?, valueWidth: Int?) {
    guard let heads, let groups, let width, let valueWidth,
      [heads, groups, width, valueWidth].allSatisfy(Self.counts.contains), heads % groups == 0
    else { return nil }
    (self.heads, self.groups, self.width, self.valueWidth) = (heads, groups, width, valueWidth)
  }

  /// The number of heads an attribute gives.
  static func count(_ node: Node, _ attribute: String) throws(OperatorError) -> Int {
    guard let count = node.int(attribute), counts.contains(Int(count)) else {
      throw OperatorError("\(attribute) is \(node.int(attribute) ?? 0), expected a positive number")
    }
    return Int(count)
  }

  /// The width of each of `count` heads that lie side by side on an axis.
  static func width(of axis: Size?, heads count: Int) -> Int? {
    guard let size = axis?.known, size > 0, size % count == 0 else { return nil }
    return size / count
  }

  /// Refuses a width that heads do not divide.
  static func check(_ axis: Size?, heads count: Int, _ name: String) throws(OperatorError) {
    guard let size = axis?.known, size % count != 0 else { return }
    throw OperatorError("its \(name) are \(size) wide, which \(count) heads do not divide")
  }
}
