/// Names an unknown number: a batch size, a sequence length, an image's height.
public struct SymbolID: Hashable, Comparable, Sendable {
  public let index: Int32

  public init(_ index: Int32) { self.index = index }

  public static func < (a: SymbolID, b: SymbolID) -> Bool { a.index < b.index }
}

/// A number of elements: known, or a polynomial over symbols.
///
/// Polynomials are canonical (terms sorted, no zero coefficient, a constant is always `.known`), so that equality of
/// sizes is equality of values wherever it can be decided at all. Arithmetic returns `nil` on overflow.
public enum Size: Hashable, Sendable {
  case known(Int)
  case polynomial([Monomial])

  /// A coefficient times a product of symbols.
  public struct Monomial: Hashable, Sendable {
    public let coefficient: Int
    /// Sorted; a square names its symbol twice. Empty for the constant term.
    public let symbols: [SymbolID]
  }

  public static func symbol(_ symbol: SymbolID) -> Size {
    .polynomial([Monomial(coefficient: 1, symbols: [symbol])])
  }

  public var known: Int? { if case .known(let value) = self { value } else { nil } }

  /// The symbol where the size is nothing but one.
  public var symbol: SymbolID? {
    guard case .polynomial(let terms) = self, terms.count == 1, terms[0].coefficient == 1 else { return nil }
    return terms[0].symbols.count == 1 ? terms[0].symbols[0] : nil
  }

  public var isOne: Bool { self == .known(1) }

  var monomials: [Monomial] {
    switch self {
    case .known(let value): value == 0 ? [] : [Monomial(coefficient: value, symbols: [])]
    case .polynomial(let monomials): monomials
    }
  }

  public func plus(_ other: Size) -> Size? {
    if case .known(let a) = self, case .known(let b) = other {
      let (sum, overflow) = a.addingReportingOverflow(b)
      return overflow ? nil : .known(sum)
    }
    return Self.collect(monomials + other.monomials)
  }

  public func minus(_ other: Size) -> Size? { other.times(.known(-1)).flatMap(plus) }

  public func times(_ other: Size) -> Size? {
    if case .known(let a) = self, case .known(let b) = other {
      let (product, overflow) = a.multipliedReportingOverflow(by: b)
      return overflow ? nil : .known(product)
    }
    let (left, right) = (monomials, other.monomials)
    // A shape that multiplies out to this many terms says nothing useful any more.
    guard left.count * right.count <= 64 else { return nil }
    var products: [Monomial] = []
    for a in left {
      for b in right {
        let (coefficient, overflow) = a.coefficient.multipliedReportingOverflow(by: b.coefficient)
        guard !overflow, a.symbols.count + b.symbols.count <= 16 else { return nil }
        products.append(Monomial(coefficient: coefficient, symbols: (a.symbols + b.symbols).sorted()))
      }
    }
    return Self.collect(products)
  }

  /// The quotient where this size is a multiple of `divisor` whatever the symbols stand for; `nil` otherwise.
  public func dividedExactly(by divisor: Size) -> Size? {
    if case .known(let a) = self, case .known(let b) = divisor {
      guard b != 0, !(a == .min && b == -1), a % b == 0 else { return nil }
      return .known(a / b)
    }
    if self == divisor { return .known(1) }
    guard divisor.monomials.count == 1, let by = divisor.monomials.first else { return nil }
    var quotient: [Monomial] = []
    for monomial in monomials {
      guard by.coefficient != -1 || monomial.coefficient != .min, monomial.coefficient % by.coefficient == 0 else {
        return nil
      }
      var symbols = monomial.symbols
      for symbol in by.symbols {
        guard let index = symbols.firstIndex(of: symbol) else { return nil }
        symbols.remove(at: index)
      }
      quotient.append(Monomial(coefficient: monomial.coefficient / by.coefficient, symbols: symbols))
    }
    return Self.collect(quotient)
  }

  public static func product(_ sizes: some Sequence<Size>) -> Size? {
    var product = Size.known(1)
    for size in sizes {
      guard let next = product.times(size) else { return nil }
      product = next
    }
    return product
  }

  private static func collect(_ monomials: [Monomial]) -> Size? {
    var collected: [Monomial] = []
    for monomial in monomials.sorted(by: { $0.symbols.lexicographicallyPrecedes($1.symbols) }) {
      if let last = collected.last, last.symbols == monomial.symbols {
        let (sum, overflow) = last.coefficient.addingReportingOverflow(monomial.coefficient)
        guard !overflow else { return nil }
        collected[collected.count - 1] = Monomial(coefficient: sum, symbols: last.symbols)
      } else {
        collected.append(monomial)
      }
    }
    collected.removeAll { $0.coefficient == 0 }
    if collected.isEmpty { return .known(0) }
    if collected.count == 1, collected[0].symbols.isEmpty { return .known(collected[0].coefficient) }
    return .polynomial(collected)
  }
}
