/// The symbols of one model and what they stand for.
///
/// Symbols made from the same expression are the same symbol, so that two branches that halve the same height agree.
public struct SymbolTable: Sendable {
  /// What a symbol stands for.
  public enum Meaning: Hashable, Sendable {
    /// A size the model declares by name (`dim_param`).
    case named(String)
    /// A size declared by nobody: axis `axis` of a value.
    case anonymous(value: Int, axis: Int)
    case operation(Operation, Size, Size)
  }

  public enum Operation: Hashable, Sendable {
    case floorDivide, modulo, minimum, maximum
    /// Division as C and ONNX do it on integers, towards zero.
    case divide
  }

  public private(set) var meanings: [Meaning] = []
  private var index: [Meaning: SymbolID] = [:]

  public init() {}

  /// The symbol with this meaning, as a size.
  public mutating func size(of meaning: Meaning) -> Size {
    if let symbol = index[meaning] { return .symbol(symbol) }
    let symbol = SymbolID(Int32(meanings.count))
    meanings.append(meaning)
    index[meaning] = symbol
    return .symbol(symbol)
  }

  /// Whether a size names only symbols that are among the first `count`, or computed from those.
  public func isMade(of size: Size, before count: Int) -> Bool {
    isMade(of: size, before: count, depth: 0)
  }

  private func isMade(of size: Size, before count: Int, depth: Int) -> Bool {
    guard depth < 200 else { return false }
    return size.monomials.allSatisfy { monomial in
      monomial.symbols.allSatisfy { symbol in
        if Int(symbol.index) < count { return true }
        guard case .operation(_, let a, let b) = meanings[Int(symbol.index)] else { return false }
        return isMade(of: a, before: count, depth: depth + 1) && isMade(of: b, before: count, depth: depth + 1)
      }
    }
  }

  /// The result of an operation: computed where both operands are known, a symbol otherwise.
  /// - Returns: `nil` for a division by zero.
  public mutating func apply(_ operation: Operation, _ a: Size, _ b: Size) -> Size? {
    guard case .known(let x) = a, case .known(let y) = b else {
      switch operation {
      case .minimum, .maximum: if a == b { return a }
      case .floorDivide, .divide:
        if let quotient = a.dividedExactly(by: b) { return quotient }
      case .modulo: if a.dividedExactly(by: b) != nil { return .known(0) }
      }
      return size(of: .operation(operation, a, b))
    }
    switch operation {
    case .minimum: return .known(min(x, y))
    case .maximum: return .known(max(x, y))
    case .divide, .floorDivide, .modulo:
      guard y != 0, !(x == .min && y == -1) else { return nil }
      let (quotient, remainder) = x.quotientAndRemainder(dividingBy: y)
      let rounding = remainder != 0 && (remainder < 0) != (y < 0) ? 1 : 0
      switch operation {
      case .divide: return .known(quotient)
      case .floorDivide: return .known(quotient - rounding)
      default: return .known(remainder + rounding * y)
      }
    }
  }

  /// The value of a size when every named or anonymous symbol takes the number `assume` gives it.
  public func evaluate(_ size: Size, assuming assume: (SymbolID, Meaning) -> Int) -> Int? {
    evaluate(size, depth: 0, assuming: assume)
  }

  private func evaluate(_ size: Size, depth: Int, assuming assume: (SymbolID, Meaning) -> Int) -> Int? {
    guard depth < 200 else { return nil }
    var sum = 0
    for monomial in size.monomials {
      var product = monomial.coefficient
      for symbol in monomial.symbols {
        guard let value = value(of: symbol, depth: depth, assuming: assume) else { return nil }
        let (next, overflow) = product.multipliedReportingOverflow(by: value)
        guard !overflow else { return nil }
        product = next
      }
      let (next, overflow) = sum.addingReportingOverflow(product)
      guard !overflow else { return nil }
      sum = next
    }
    return sum
  }

  private func value(of symbol: SymbolID, depth: Int, assuming assume: (SymbolID, Meaning) -> Int) -> Int? {
    let meaning = meanings[Int(symbol.index)]
    guard case .operation(let operation, let a, let b) = meaning else { return assume(symbol, meaning) }
    guard let x = evaluate(a, depth: depth + 1, assuming: assume),
      let y = evaluate(b, depth: depth + 1, assuming: assume)
    else { return nil }
    var scratch = SymbolTable()
    return scratch.apply(operation, .known(x), .known(y))?.known
  }
}
