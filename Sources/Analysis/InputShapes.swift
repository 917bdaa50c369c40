import Dimensions
import IR
import Operators

/// Shapes users give for inputs whose sizes a model leaves open, so that costs are counted for a real case. The graph
/// stays as dynamic as it is.
public struct InputShapes: Sendable, Equatable {
  private var shapes: [(name: String, sizes: [Int])] = []

  public static let none = InputShapes()

  private init() {}

  public static func == (a: InputShapes, b: InputShapes) -> Bool {
    a.shapes.map(\.name) == b.shapes.map(\.name) && a.shapes.map(\.sizes) == b.shapes.map(\.sizes)
  }

  /// Reads shapes such as `input=1x3x224x224`.
  public init(parsing texts: [String]) throws(InputShapeError) {
    for text in texts {
      guard let equals = text.lastIndex(of: "="), equals != text.startIndex else {
        throw InputShapeError(unreadable: text)
      }
      let parts = text[text.index(after: equals)...].split(separator: "x", omittingEmptySubsequences: false)
      let sizes = parts.compactMap { Int($0) }
      guard sizes.count == parts.count, sizes.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else {
        throw InputShapeError(unreadable: text)
      }
      let name = String(text[..<equals])
      guard self.sizes(of: name) == nil else { throw InputShapeError("the shape of input \(name) is given twice") }
      shapes.append((name, sizes))
    }
  }

  /// Shapes by the names of inputs.
  public init(_ shapes: [String: [Int]]) {
    self.shapes = shapes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The sizes given for an input; `nil` where none are.
  public func sizes(of input: String) -> [Int]? { shapes.first { $0.name == input }?.sizes }

  /// Refuses shapes of inputs the model does not have, and those that contradict what it declares.
  public func check(_ model: Model) throws(InputShapeError) {
    let constants = Set(model.graph.initializers.map(\.value))
    let inputs = model.graph.inputs.filter { !constants.contains($0.value) }
    var symbols: [String: Int] = [:]
    for (name, sizes) in shapes {
      guard let input = inputs.first(where: { model.name(of: $0.value) == name }) else {
        let names = inputs.map { model.name(of: $0.value) }.joined(separator: ", ")
        throw InputShapeError("the model has no input \(name); it has \(names.isEmpty ? "none" : names)")
      }
      guard let declared = input.type?.tensor?.shape else { continue }
      guard declared.count == sizes.count else {
        throw InputShapeError("input \(name) has \(declared.count) axes, the shape given has \(sizes.count)")
      }
      for (axis, (size, number)) in zip(declared, sizes).enumerated() {
        switch size.extent {
        case .known(let known) where known >= 0 && known != number:
          throw InputShapeError("axis \(axis) of input \(name) has \(known) elements, the shape given says \(number)")
        case .symbol(let symbol) where !symbol.isEmpty:
          if let other = symbols[symbol], other != number {
            throw InputShapeError("axis \(axis) of input \(name) is given as \(number) and as \(other)")
          }
          symbols[symbol] = number
        default: continue
        }
      }
    }
  }

  fileprivate func assumptions(_ model: Model, _ facts: [Facts]) throws(InputShapeError) -> [SymbolID: Int] {
    try check(model)
    var result: [SymbolID: Int] = [:]
    for info in model.graph.inputs {
      guard let sizes = self.sizes(of: model.name(of: info.value)), let declared = facts[info.value.index].shape else {
        continue
      }
      for (size, number) in zip(declared, sizes) {
        if let symbol = size.symbol { result[symbol] = number }
      }
    }
    return result
  }
}

public struct InputShapeError: Error, Sendable, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }

  init(unreadable text: String) {
    description = "cannot read the input shape \(text); expected NAME=SIZExSIZE…, such as input=1x3x224x224"
  }
}

extension ModelAnalysis {
  /// The same with these shapes taken for the inputs where costs are counted.
  public func assuming(_ shapes: InputShapes, in model: Model) throws(InputShapeError) -> ModelAnalysis {
    assuming(try shapes.assumptions(model, facts))
  }

  /// The same with these numbers taken for sizes known only at run time.
  public func assuming(_ numbers: [SymbolID: Int]) -> ModelAnalysis {
    var analysis = self
    analysis.assumptions = numbers
    return analysis
  }

  /// The number a size counts as.
  public func number(_ size: Size) -> Int? {
    size.known ?? symbols.evaluate(size) { symbol, _ in assumptions[symbol] ?? 1 }
  }

  /// The sizes that costs count as one because nobody knows them, as users know them, in the order of the model.
  public func sizesCountedAsOne(in model: Model) -> [(symbol: SymbolID, name: String)] {
    var found: Set<SymbolID> = []
    for term in macTerms {
      for size in term.sizes + term.axes.map({ dimensions.size($0) }) where size.known == nil {
        _ = symbols.evaluate(size) { symbol, _ in
          if assumptions[symbol] == nil { found.insert(symbol) }
          return 1
        }
      }
    }
    return found.sorted().map { symbol in
      let name =
        switch symbols.meanings[Int(symbol.index)] {
        case .named(let name): name
        case .anonymous(let value, let axis) where value >= 0 && value < model.valueNames.count:
          "axis \(axis) of \(model.valueNames[value])"
        default: "a size made on the way"
        }
      return (symbol, name)
    }
  }
}
