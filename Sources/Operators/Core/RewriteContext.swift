import Dimensions
import IR

/// What an operator sees while its node is adapted to a pruned graph.
///
/// `shape` and `contents` of inputs are those the pruned graph computes; `original` ones are the model's own. The
/// operator compares them with what the plan expects and changes the node where they differ.
public struct RewriteContext {
  public var node: Node
  public let nodeIndex: Int
  public let opset: Int64
  /// Facts of the pruned graph for everything before this node.
  public var pruned: [Facts]
  public let original: [Facts]
  /// The shape each value must have after pruning, by ``ValueID/index``; `nil` where the rank is unknown.
  public let expectedShape: (ValueID) -> [Size]?
  /// Kept indices of an axis of a node's input (as it is used here); `nil` where all are kept.
  public let keptIndices: (_ input: Int, _ axis: Int) -> [Int32]?
  /// Number of kept indices of dimensions an operator remembered in ``AxisContext/remember(_:_:)``.
  public let remembered: (_ key: String) -> Size?
  /// Integer constants the operator asked for, in order, to be added in front of the node.
  public private(set) var newInputs: [(input: Int, tensor: Tensor)] = []
  /// Inputs to be replaced by a vector whose elements are constants or elements of the input as it is.
  public private(set) var newMixedInputs: [(input: Int, elements: [MixedElement])] = []

  public enum MixedElement: Sendable, Equatable {
    case constant(Int)
    /// This element of the vector the graph computes.
    case computed(Int)
  }

  public init(
    node: Node, nodeIndex: Int, opset: Int64, pruned: [Facts], original: [Facts],
    expectedShape: @escaping (ValueID) -> [Size]?, keptIndices: @escaping (Int, Int) -> [Int32]?,
    remembered: @escaping (String) -> Size?
  ) {
    self.node = node
    self.nodeIndex = nodeIndex
    self.opset = opset
    self.pruned = pruned
    self.original = original
    self.expectedShape = expectedShape
    self.keptIndices = keptIndices
    self.remembered = remembered
  }

  public func facts(_ input: Int) -> Facts { node.input(input).map { pruned[$0.index] } ?? .unknown }
  public func originalFacts(_ input: Int) -> Facts { node.input(input).map { original[$0.index] } ?? .unknown }

  public func expectedOutput(_ output: Int = 0) -> [Size]? { node.output(output).flatMap(expectedShape) }

  public func originalOutput(_ output: Int = 0) -> Facts { node.output(output).map { original[$0.index] } ?? .unknown }

  /// Replaces an input by a constant integer vector (or scalar) of the type the input has.
  public mutating func setInts(input: Int, _ values: [Int], scalar: Bool = false) {
    let type = originalFacts(input).type == .int32 ? DataType.int32 : .int64
    newInputs.append((input, Tensor(ints: values, type, shape: scalar ? [] : nil)))
  }

  /// Replaces an integer vector input by one that keeps some of its elements and fixes the others.
  public mutating func setMixed(input: Int, _ elements: [MixedElement]) { newMixedInputs.append((input, elements)) }
}
