import Dimensions
import IR

/// What an operator sees while shapes are inferred: the facts of its inputs, and the place for those of its outputs.
public struct ShapeContext {
  public var node: Node
  /// By ``ValueID/index``, for the whole model.
  public var facts: [Facts]
  public var symbols: SymbolTable
  /// Version of the operator set of the node's domain.
  public var opset: Int64
  /// How many symbols there were before the bodies of the node were entered: those mean the same inside and outside.
  public var outerSymbolCount = 0
  /// Whether bodies have been looked at so often that states of iterations are to be taken as unknown at once.
  public var isHasty = false

  public init(facts: [Facts], symbols: SymbolTable) {
    node = Node(inputs: [], outputs: [], opType: "")
    self.facts = facts
    self.symbols = symbols
    opset = 0
  }

  public func has(_ input: Int) -> Bool { node.input(input) != nil }

  public func facts(_ input: Int) -> Facts { node.input(input).map { facts[$0.index] } ?? .unknown }

  public func shape(_ input: Int) -> [Size]? { facts(input).shape }

  public func type(_ input: Int) -> DataType? { facts(input).type }

  public func contents(_ input: Int) -> [Element]? { facts(input).contents }

  /// Integers an operator takes as an input in newer operator sets and as an attribute in older ones.
  /// - Returns: `nil` where they are left out or not known.
  public func ints(input: Int, orAttribute name: String) -> [Int]? {
    if has(input) { return facts(input).knownInts }
    return node.ints(name)?.map(Int.init)
  }

  /// Sizes beyond this are taken for unknown: no tensor has them, and arithmetic with them overflows.
  public static let sizeLimit = 1 << 48

  /// Sets the facts of an output. Whether it is constant follows from the inputs.
  public mutating func setOutput(
    _ output: Int = 0, type: DataType?, shape: [Size]?, contents: [Element]? = nil
  ) {
    guard let value = node.output(output) else { return }
    facts[value.index].type = type ?? facts[value.index].type
    facts[value.index].shape = shape
    if let shape, shape.contains(where: { ($0.known ?? 0) > Self.sizeLimit }) {
      facts[value.index].shape = shape.enumerated().map { axis, size in
        (size.known ?? 0) > Self.sizeLimit ? freshSize(output: output, axis: axis) : size
      }
    }
    facts[value.index].contents = contents
  }

  /// A size nobody knows: the same one whenever this node is inferred again.
  public mutating func freshSize(output: Int = 0, axis: Int) -> Size {
    symbols.size(of: .anonymous(value: node.output(output)?.index ?? -1, axis: axis))
  }

  /// The axis `axis` counts to in a tensor of `rank` axes, negative numbers from the end.
  public func axis(_ axis: Int64, rank: Int) throws(OperatorError) -> Int {
    let index = axis < 0 ? Int(axis) + rank : Int(axis)
    guard index >= 0, index < rank else {
      throw OperatorError("axis \(axis) is outside a tensor of \(rank) axes")
    }
    return index
  }

  /// The shape several shapes broadcast to, `nil` where one of them has an unknown rank.
  public func broadcast(_ shapes: [[Size]?]) throws(OperatorError) -> [Size]? {
    var rank = 0
    for shape in shapes {
      guard let shape else { return nil }
      rank = max(rank, shape.count)
    }
    var result = [Size](repeating: .known(1), count: rank)
    for case let shape? in shapes {
      for (offset, size) in shape.enumerated() {
        let axis = rank - shape.count + offset
        if result[axis].isOne || result[axis] == size {
          result[axis] = size
          continue
        }
        if size.isOne { continue }
        if let a = result[axis].known, let b = size.known {
          throw OperatorError("shapes do not broadcast: axis \(axis) has \(a) and \(b)")
        }
        // A number and a symbol can only agree, or the symbol stands for one.
        if size.known != nil { result[axis] = size }
      }
    }
    return result
  }
}
