import Analysis
import Dimensions

/// A number times the kept numbers of groups and, where an axis is a concatenation, times sums of such terms.
struct SizeTerm: Sendable {
  var constant: Int
  /// Repeated where the term repeats them.
  var factors: [Int] = []
  var sums: [[SizeTerm]] = []

  var groups: [Int] {
    var found = Set(factors)
    for sum in sums { for term in sum { found.formUnion(term.groups) } }
    return found.sorted()
  }

  /// The largest value there is: more than any model costs, and sums of a hundred thousand of it fit a word.
  static let largest = 1 << 46

  func value(_ counts: [Int]) -> Int {
    var value = constant
    for group in factors { value = Self.times(value, counts[group]) }
    for sum in sums {
      value = Self.times(value, sum.reduce(0) { min($0 + $1.value(counts), Self.largest) })
    }
    return value
  }

  private static func times(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? largest : min(product, largest)
  }

  mutating func multiply(by other: SizeTerm) {
    constant = Self.times(constant, other.constant)
    factors += other.factors
    sums += other.sums
  }
}

/// Turns the dimensions of axes into terms over groups.
struct SizeCompiler {
  private let analysis: ModelAnalysis
  private let groups: [DimensionID: Int]

  init(_ analysis: ModelAnalysis) {
    self.analysis = analysis
    groups = Dictionary(analysis.groups.enumerated().map { ($1.dimension, $0) }) { first, _ in first }
  }

  func product(_ axes: [DimensionID], times constant: Int = 1, sizes: [Size] = []) -> SizeTerm {
    var product = SizeTerm(constant: constant)
    for axis in axes { product.multiply(by: term(axis)) }
    for size in sizes { product.multiply(by: SizeTerm(constant: number(size))) }
    return product
  }

  private func term(_ axis: DimensionID) -> SizeTerm {
    let root = analysis.dimensions.root(axis)
    if let group = groups[root] { return SizeTerm(constant: 1, factors: [group]) }
    switch analysis.dimensions.binding(root) {
    case nil: return SizeTerm(constant: number(analysis.dimensions.size(root)))
    case .product(let parts): return product(parts)
    case .sum(let parts):
      let terms = parts.map { term($0) }
      if terms.allSatisfy({ $0.groups.isEmpty }) {
        return SizeTerm(constant: terms.reduce(0) { min($0 + $1.value([]), SizeTerm.largest) })
      }
      return SizeTerm(constant: 1, sums: [terms])
    }
  }

  private func number(_ size: Size) -> Int {
    min(max(analysis.number(size) ?? 1, 1), SizeTerm.largest)
  }
}
