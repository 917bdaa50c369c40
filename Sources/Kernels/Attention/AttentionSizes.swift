/// The sizes of an attention: query heads share the heads (groups) of keys and values.
public struct AttentionSizes: Sendable {
  public var batch: Int
  public var heads: Int
  public var groups: Int
  public var queries: Int
  public var keys: Int
  public var width: Int
  public var valueWidth: Int

  public init(
    batch: Int, heads: Int, groups: Int, queries: Int, keys: Int, width: Int, valueWidth: Int
  ) {
    (self.batch, self.heads, self.groups) = (batch, heads, groups)
    (self.queries, self.keys) = (queries, keys)
    (self.width, self.valueWidth) = (width, valueWidth)
  }

  /// The head of keys and values a query head reads.
  func group(of head: Int) -> Int { head / (heads / groups) }

  /// Queries whose scores are held at a time: enough rows for a product to be fast, few enough to stay in cache.
  var tile: Int { min(queries, max(16, min(128, 32_768 / max(1, keys)))) }

  var tiles: Int { tile > 0 ? (queries + tile - 1) / tile : 0 }
}

/// Where the rows of heads lie: distances in elements. The elements of a row have no gaps.
public struct HeadStrides: Sendable {
  public var batch: Int
  public var head: Int
  public var row: Int

  public init(batch: Int, head: Int, row: Int) { (self.batch, self.head, self.row) = (batch, head, row) }

  /// `[batch, positions, columns]` with heads of `width` side by side.
  public static func sideBySide(positions: Int, columns: Int, width: Int) -> HeadStrides {
    HeadStrides(batch: positions * columns, head: width, row: columns)
  }

  /// `[batch, heads, positions, width]`.
  public static func apart(heads: Int, positions: Int, width: Int) -> HeadStrides {
    HeadStrides(batch: heads * positions * width, head: positions * width, row: width)
  }

  func offset(_ sample: Int, _ head: Int, _ row: Int = 0) -> Int {
    sample * batch + head * self.head + row * self.row
  }
}

/// The rows of all heads of queries, keys or values.
public struct HeadRows<T: Real> {
  public let elements: UnsafePointer<T>
  public let strides: HeadStrides

  public init(_ elements: UnsafePointer<T>, _ strides: HeadStrides) {
    (self.elements, self.strides) = (elements, strides)
  }

  func operand(_ sample: Int, _ head: Int, _ row: Int = 0, isTransposed: Bool = false) -> MatrixProduct.Operand<T> {
    MatrixProduct.Operand(
      elements + strides.offset(sample, head, row), leading: strides.row, isTransposed: isTransposed)
  }
}

/// The same, to be written.
public struct MutableHeadRows<T: Real> {
  public let elements: UnsafeMutablePointer<T>
  public let strides: HeadStrides

  public init(_ elements: UnsafeMutablePointer<T>, _ strides: HeadStrides) {
    (self.elements, self.strides) = (elements, strides)
  }

  public var reading: HeadRows<T> { HeadRows(UnsafePointer(elements), strides) }

  func row(_ sample: Int, _ head: Int, _ row: Int = 0) -> UnsafeMutablePointer<T> {
    elements + strides.offset(sample, head, row)
  }
}

/// Numbers added to scores; a distance of zero repeats them.
public struct ScoreBias<T: Real> {
  public let elements: UnsafePointer<T>
  public let strides: HeadStrides
  /// 1, or 0 where one number goes to all keys.
  public let column: Int
  /// Keys beyond these get nothing added.
  public let columns: Int

  public init(_ elements: UnsafePointer<T>, _ strides: HeadStrides, column: Int, columns: Int) {
    (self.elements, self.strides) = (elements, strides)
    (self.column, self.columns) = (column, columns)
  }
}

/// Which keys a query may see, beyond what is added to scores: the others get a probability of zero.
public struct VisibleKeys: Sendable {
  /// Whether a query sees no key after itself.
  public var isCausal: Bool
  /// How many keys a query sees back, itself included.
  public var window: Int?
  /// The position of the first query among the keys, by sample or one for all.
  public var offsets: [Int]
  /// How many keys there are, by sample or one for all.
  public var lengths: [Int]

  public init(isCausal: Bool = false, window: Int? = nil, offsets: [Int] = [0], lengths: [Int]) {
    (self.isCausal, self.window) = (isCausal, window)
    (self.offsets, self.lengths) = (offsets, lengths)
  }

  func range(_ sample: Int, row: Int) -> Range<Int> {
    let length = lengths.count == 1 ? lengths[0] : lengths[sample]
    let position = (offsets.count == 1 ? offsets[0] : offsets[sample]) + row
    let end = isCausal ? max(0, min(length, position + 1)) : length
    guard let window else { return 0..<end }
    return min(end, max(0, position + 1 - window))..<end
  }
}

/// What becomes of products of queries and keys before they weigh values.
public struct ScoreRule<T: Real> {
  public var scale: T
  /// Bounds scores by c·tanh(s/c); zero for none.
  public var cap: T = 0
  /// Whether scores are bounded before biases are added.
  public var capsFirst = true
  public var biases: [ScoreBias<T>] = []
  public var visible: VisibleKeys
  /// A score by head that counts in the sum of weights, and weighs nothing.
  public var sinks: UnsafePointer<T>?

  public init(scale: T, visible: VisibleKeys) { (self.scale, self.visible) = (scale, visible) }
}

/// Scores that are an output, `[batch, heads, queries, keys]`, after a step.
public struct ScoreOutput<T: Real> {
  public enum Step: Int, Sendable { case products, biased, capped, weights }
  public let elements: UnsafeMutablePointer<T>
  public let step: Step

  public init(_ elements: UnsafeMutablePointer<T>, after step: Step) { (self.elements, self.step) = (elements, step) }
}
