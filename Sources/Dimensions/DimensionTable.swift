/// Names a dimension variable.
public struct DimensionID: Hashable, Comparable, Sendable {
  public let index: Int

  public init(_ index: Int) { self.index = index }

  public static func < (a: DimensionID, b: DimensionID) -> Bool { a.index < b.index }
}

/// Why a dimension may not shrink.
public struct Cause: Hashable, Sendable {
  /// The node that fixed it, as the driver numbers nodes; `nil` where the graph's interface did.
  public let node: Int?
  public let reason: String

  public init(node: Int?, reason: String) {
    self.node = node
    self.reason = reason
  }
}

/// Dimension variables under unification.
///
/// A union-find whose roots may be *bound* to a product (`g⊗r`, row-major: index = g·|r| + r) or a sum (`a⊕b`,
/// concatenation) of other variables. Unifying two bound variables refines both until their parts agree, as types are
/// refined by type inference; what cannot be refined is fixed. A variable that is neither bound nor fixed is *free*:
/// its channels may be removed. Near-linear in the number of calls, and independent of the number of channels.
public struct DimensionTable: Sendable {
  public enum Binding: Sendable {
    case product([DimensionID])
    case sum([DimensionID])

    public var parts: [DimensionID] {
      switch self {
      case .product(let parts), .sum(let parts): parts
      }
    }

    var isProduct: Bool { if case .product = self { true } else { false } }
  }

  private var parents: [Int32] = []
  private var sizes: [Size] = []
  private var bindings: [Binding?] = []
  private var causes: [Cause?] = []
  private var depths: [Int32] = []

  /// Terms nested deeper than this are fixed: no exporter writes them, and recursion must end.
  private static let depthLimit: Int32 = 400
  /// Unbound variables in each term, repeated ones counted again, when it was made.
  private var leafCounts: [Int32] = []
  /// Terms of more leaves are fixed: a tensor concatenated to itself forty times has more than any memory holds.
  private static let leafLimit: Int32 = 1 << 14

  public init() {}

  public var count: Int { parents.count }

  // MARK: Making variables

  /// A fresh variable, fixed at once if a cause is given.
  ///
  /// One whose size is known only at run time cannot shrink itself, but may turn out to be a product of some that can:
  /// a batch times heads.
  public mutating func make(_ size: Size, fixed cause: Cause? = nil) -> DimensionID {
    let id = DimensionID(parents.count)
    parents.append(Int32(id.index))
    sizes.append(size)
    bindings.append(nil)
    causes.append(cause)
    depths.append(0)
    leafCounts.append(1)
    return id
  }

  /// The row-major product of `factors`; factors of size one are dropped.
  public mutating func product(_ factors: [DimensionID]) -> DimensionID {
    let factors = factors.filter { !size($0).isOne }
    if factors.count == 1 { return factors[0] }
    guard let size = Size.product(factors.map { size($0) }) else {
      return fixedWhole(factors, size: nil, reason: "its size overflows")
    }
    if factors.isEmpty { return make(size, fixed: Cause(node: nil, reason: "its size is one")) }
    if factors.allSatisfy({ isFixed($0) && binding($0) == nil }) { return make(size, fixed: cause(factors[0])) }
    return bind(.product(factors), size: size)
  }

  /// The concatenation of `summands`.
  public mutating func sum(_ summands: [DimensionID]) -> DimensionID {
    let summands = summands.filter { size($0) != .known(0) }
    if summands.count == 1 { return summands[0] }
    var total = Size.known(0)
    for summand in summands {
      guard let next = total.plus(size(summand)) else {
        return fixedWhole(summands, size: nil, reason: "its size overflows")
      }
      total = next
    }
    if summands.isEmpty { return make(total, fixed: Cause(node: nil, reason: "it is empty")) }
    if total.known == nil {
      return fixedWhole(summands, size: total, reason: "it is concatenated to an axis sized at run time")
    }
    return bind(.sum(summands), size: total)
  }

  private mutating func bind(_ binding: Binding, size: Size) -> DimensionID {
    let depth = 1 + (binding.parts.map { depths[root($0).index] }.max() ?? 0)
    guard depth < Self.depthLimit else {
      return fixedWhole(binding.parts, size: size, reason: "its term is nested too deeply")
    }
    var leafCount: Int32 = 0
    for part in binding.parts {
      leafCount += leafCounts[root(part).index]
      guard leafCount < Self.leafLimit else {
        return fixedWhole(binding.parts, size: size, reason: "its term has too many parts")
      }
    }
    // Indices are counted in 32 bits.
    guard size.known ?? 0 <= Int(Int32.max) else {
      return fixedWhole(binding.parts, size: size, reason: "its size overflows")
    }
    let id = make(size)
    causes[id.index] = nil
    bindings[id.index] = binding
    depths[id.index] = depth
    leafCounts[id.index] = leafCount
    return id
  }

  private mutating func fixedWhole(_ parts: [DimensionID], size: Size?, reason: String) -> DimensionID {
    let cause = Cause(node: nil, reason: reason)
    for part in parts { fix(part, cause) }
    return make(size ?? .known(0), fixed: cause)
  }

  // MARK: Reading

  /// The variable that stands for all those unified with this one.
  public func root(_ dimension: DimensionID) -> DimensionID {
    var index = dimension.index
    while Int(parents[index]) != index { index = Int(parents[index]) }
    return DimensionID(index)
  }

  private mutating func compressedRoot(_ dimension: DimensionID) -> DimensionID {
    let root = self.root(dimension)
    var index = dimension.index
    while index != root.index {
      let next = Int(parents[index])
      parents[index] = Int32(root.index)
      index = next
    }
    return root
  }

  /// How many indices the variable counts.
  public func size(_ dimension: DimensionID) -> Size { sizes[root(dimension).index] }

  /// The term the variable was found to be; `nil` for a leaf.
  public func binding(_ dimension: DimensionID) -> Binding? { bindings[root(dimension).index] }

  /// Whether indices of the variable may be removed.
  public func isFree(_ dimension: DimensionID) -> Bool {
    let root = root(dimension)
    guard causes[root.index] == nil, bindings[root.index] == nil, let size = sizes[root.index].known else {
      return false
    }
    return size > 1
  }

  /// Whether the variable itself was fixed. A bound variable is as free as its leaves are.
  public func isFixed(_ dimension: DimensionID) -> Bool { causes[root(dimension).index] != nil }

  /// Why the variable itself may not shrink; `nil` where it was not fixed.
  public func cause(_ dimension: DimensionID) -> Cause? { causes[root(dimension).index] }

  /// The unbound variables of a term, in order, repeated where the term repeats them.
  public func leaves(_ dimension: DimensionID) -> [DimensionID] {
    var leaves: [DimensionID] = []
    collectLeaves(dimension, into: &leaves)
    return leaves
  }

  private func collectLeaves(_ dimension: DimensionID, into leaves: inout [DimensionID]) {
    let root = root(dimension)
    guard let binding = bindings[root.index] else { return leaves.append(root) }
    for part in binding.parts { collectLeaves(part, into: &leaves) }
  }

  /// The factors of a term, nested products flattened.
  public func factors(_ dimension: DimensionID) -> [DimensionID] { flattened(dimension, products: true) }

  /// The summands of a term, nested sums flattened.
  public func summands(_ dimension: DimensionID) -> [DimensionID] { flattened(dimension, products: false) }

  private func flattened(_ dimension: DimensionID, products: Bool) -> [DimensionID] {
    let root = root(dimension)
    guard let binding = bindings[root.index], binding.isProduct == products else { return [root] }
    return binding.parts.flatMap { flattened($0, products: products) }
  }

  // MARK: Fixing and unifying

  /// Forbids the variable, and all its term is made of, to shrink. The first cause stays.
  public mutating func fix(_ dimension: DimensionID, _ cause: Cause) {
    let root = compressedRoot(dimension)
    let wasFixed = causes[root.index] != nil
    if !wasFixed { causes[root.index] = cause }
    guard let binding = bindings[root.index], !wasFixed else { return }
    for part in binding.parts { fix(part, cause) }
  }

  /// Makes two variables one, refining what they are bound to; fixes both where that is not possible.
  public mutating func unify(_ first: DimensionID, _ second: DimensionID, node: Int?) {
    let a = compressedRoot(first)
    let b = compressedRoot(second)
    if a == b { return }
    guard sizes[a.index] == sizes[b.index] else {
      let cause = Cause(node: node, reason: "axes of different sizes meet")
      fix(a, cause)
      fix(b, cause)
      return
    }
    if sizes[a.index].isOne { return }
    switch (bindings[a.index], bindings[b.index]) {
    case (nil, _): adopt(a, into: b)
    case (_, nil): adopt(b, into: a)
    case (let x?, let y?):
      // Parts of a fixed term are fixed; refinement spreads that to the other side's parts.
      if x.isProduct == y.isProduct {
        let (left, right) = (flattened(a, products: x.isProduct), flattened(b, products: x.isProduct))
        let agrees =
          x.isProduct ? refineProducts(left, right, node: node) : refineSums(left, right, node: node)
        if !agrees { giveUp(a, b, node: node, reason: "factored in two ways that do not nest") }
      } else if !split(sum: x.isProduct ? b : a, by: x.isProduct ? a : b, node: node) {
        giveUp(a, b, node: node, reason: "a concatenation is cut across the blocks of a product")
      }
      join(a, b)
    }
  }

  /// `leaf`, which is unbound, becomes `other`.
  private mutating func adopt(_ leaf: DimensionID, into other: DimensionID) {
    if let cause = causes[leaf.index] {
      fix(other, cause)
    } else if let cause = causes[other.index], bindings[other.index] == nil {
      causes[leaf.index] = cause
    }
    // An occurs check: a term that contains the leaf cannot be what the leaf is bound to.
    if bindings[other.index] != nil, leaves(other).contains(leaf) {
      return fix(other, Cause(node: nil, reason: "a term would contain itself"))
    }
    parents[leaf.index] = Int32(other.index)
  }

  private mutating func join(_ first: DimensionID, _ second: DimensionID) {
    let a = compressedRoot(first)
    let b = compressedRoot(second)
    guard a != b else { return }
    if let cause = causes[b.index], causes[a.index] == nil { fix(a, cause) }
    if let cause = causes[a.index], causes[b.index] == nil { fix(b, cause) }
    parents[b.index] = Int32(a.index)
  }

  private mutating func giveUp(_ a: DimensionID, _ b: DimensionID, node: Int?, reason: String) {
    let cause = Cause(node: node, reason: reason)
    fix(a, cause)
    fix(b, cause)
  }

  /// Makes two factorisations of one size agree: `12⊗64` against `6⊗128` is `6⊗2⊗64`.
  private mutating func refineProducts(_ first: [DimensionID], _ second: [DimensionID], node: Int?) -> Bool {
    var left = Array(first.reversed())
    var right = Array(second.reversed())
    while let x = left.last, let y = right.last {
      let (sizeX, sizeY) = (size(x), size(y))
      if sizeX == sizeY {
        unify(x, y, node: node)
        left.removeLast()
        right.removeLast()
      } else if let rest = sizeY.dividedExactly(by: sizeX) {
        let (head, tail) = (make(sizeX), make(rest))
        unify(y, product([head, tail]), node: node)
        unify(x, head, node: node)
        left.removeLast()
        right[right.count - 1] = tail
      } else if let rest = sizeX.dividedExactly(by: sizeY) {
        let (head, tail) = (make(sizeY), make(rest))
        unify(x, product([head, tail]), node: node)
        unify(y, head, node: node)
        right.removeLast()
        left[left.count - 1] = tail
      } else {
        return false
      }
    }
    return left.isEmpty && right.isEmpty
  }

  /// Makes two concatenations of one size agree by cutting both at every cut of either.
  private mutating func refineSums(_ first: [DimensionID], _ second: [DimensionID], node: Int?) -> Bool {
    var left = Array(first.reversed())
    var right = Array(second.reversed())
    while let x = left.last, let y = right.last {
      guard let sizeX = size(x).known, let sizeY = size(y).known else { return false }
      if sizeX == sizeY {
        unify(x, y, node: node)
        left.removeLast()
        right.removeLast()
      } else if sizeX < sizeY {
        let (head, tail) = (make(.known(sizeX)), make(.known(sizeY - sizeX)))
        unify(y, sum([head, tail]), node: node)
        unify(x, head, node: node)
        left.removeLast()
        right[right.count - 1] = tail
      } else {
        let (head, tail) = (make(.known(sizeY)), make(.known(sizeX - sizeY)))
        unify(x, sum([head, tail]), node: node)
        unify(y, head, node: node)
        right.removeLast()
        left[left.count - 1] = tail
      }
    }
    return left.isEmpty && right.isEmpty
  }

  /// Distributes a product over a concatenation: `(a⊕b)⊗r` against summands whose sizes gather to multiples of `|r|`.
  private mutating func split(sum: DimensionID, by productID: DimensionID, node: Int?) -> Bool {
    let factors = factors(productID)
    let inner = product(Array(factors.dropFirst()))
    guard let innerSize = size(inner).known, innerSize > 0 else { return false }
    var chunks: [(blocks: Int, parts: [DimensionID])] = []
    var parts: [DimensionID] = []
    var length = 0
    for part in summands(sum) {
      guard let size = size(part).known else { return false }
      parts.append(part)
      length += size
      if length % innerSize == 0 {
        chunks.append((length / innerSize, parts))
        parts = []
        length = 0
      }
    }
    guard parts.isEmpty, chunks.allSatisfy({ $0.blocks == 1 || $0.parts.count == 1 }) else { return false }
    var outer: [DimensionID] = []
    for chunk in chunks {
      let unit = chunk.blocks == 1 ? Cause(node: node, reason: "blocks of one width are concatenated") : nil
      let blocks = make(.known(chunk.blocks), fixed: unit)
      let whole = self.sum(chunk.parts)
      unify(whole, chunk.blocks == 1 ? inner : product([blocks, inner]), node: node)
      outer.append(blocks)
    }
    unify(factors[0], self.sum(outer), node: node)
    return true
  }
}
