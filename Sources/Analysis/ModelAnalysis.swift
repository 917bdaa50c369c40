import Dimensions
import IR
import Operators

/// Everything Coppice knows of a model before it decides anything: shapes, dimensions, groups, costs and remarks.
public struct ModelAnalysis: Sendable {
  /// By ``ValueID/index``.
  public let facts: [Facts]
  public let symbols: SymbolTable
  public let dimensions: DimensionTable
  /// The axes of every value, by ``ValueID/index``; `nil` where the rank is unknown.
  public let axes: [[Axis]?]
  /// All nodes in the order they were visited; bodies of control flow before the node that holds them.
  public let nodes: [AnalyzedNode]
  /// Every constant tensor of the model, and every separate use of a vector that several nodes share.
  public internal(set) var weights: [Weight]
  /// The prunable dimensions, in order of their first member.
  public let groups: [PruningGroup]
  /// What was fixed and why, one entry a node and reason.
  public let fixed: [FixedRemark]
  /// Multiply-accumulate operations, one entry a term of a node's cost.
  public let macTerms: [MACTerm]
  /// Numbers taken for sizes known only at run time, where costs are counted; others count as one.
  public internal(set) var assumptions: [SymbolID: Int] = [:]
  /// Integer values computed from sizes: what they are follows from the shapes of the pruned graph.
  public let sizes: Set<ValueID>
  /// Axes of the axes' own uses of shared vectors, and what operators remembered; for rewriting.
  let useAxes: [AxisContext.VectorUse: [Axis]]
  let remembered: [AxisContext.Memory: DimensionID]
}

/// A node as the analysis numbers it.
public struct AnalyzedNode: Sendable {
  public let label: String
  public let opType: String
  public let path: NodePath
  /// Whether it stands in a body that cannot run, with inputs that contradict each other; none of them shrinks.
  public let isContradictory: Bool
}

/// Where a node is: its index in its graph, and through which nodes' attributes that graph is reached.
public struct NodePath: Hashable, Sendable {
  /// From the outside in: the node, the attribute's index in it, and the graph's index in that attribute.
  public struct Step: Hashable, Sendable {
    public let node: Int
    public let attribute: Int
    public let graph: Int

    public init(node: Int, attribute: Int, graph: Int) {
      self.node = node
      self.attribute = attribute
      self.graph = graph
    }
  }

  public let steps: [Step]
  public let index: Int

  public init(steps: [Step], index: Int) {
    self.steps = steps
    self.index = index
  }
}

/// A constant tensor (an initializer, or the payload of a `Constant` node) and the dimensions of its axes.
public struct Weight: Sendable {
  /// The name it has in plans: the initializer's, or the output's of the `Constant` node.
  public let name: String
  public let value: ValueID
  public internal(set) var tensor: Tensor
  /// The dimension of each axis.
  public let axes: [DimensionID]
  /// Set where this is one of several uses of a shared vector, each with axes of its own.
  public let use: AxisContext.VectorUse?
  /// The label of the node of that use.
  public let useLabel: String?
  /// The inputs of nodes that read it, by way of nodes that only make constants of constants (a transposition, a
  /// dequantization) as well.
  public let readers: [AxisContext.VectorUse]
  /// Graph the initializer stands in (no steps: the main graph), or the `Constant` node.
  public let place: Place

  public enum Place: Hashable, Sendable {
    case initializer(graph: [NodePath.Step], index: Int)
    case constantNode(NodePath)
  }

  /// Whether its numbers are parameters (floating point, or quantized integers), rather than sizes and positions.
  public let isParameter: Bool
}

/// Channels that belong together: one prunable dimension and every place its index occurs in.
public struct PruningGroup: Sendable {
  /// Stable for one model: the kind and the first member, such as `channel:layer1.0.conv1.weight`.
  public let id: String
  /// For people: where it is and what.
  public let name: String
  /// A root of the dimension table.
  public let dimension: DimensionID
  public let kind: DimensionKind
  public let size: Int
  public let members: [Member]
  /// Empty where removing an index equals zeroing it; otherwise where it does not, and why.
  public let approximations: [Cause]

  public var isExact: Bool { approximations.isEmpty }

  /// An axis of a weight whose term contains the dimension.
  public struct Member: Sendable {
    /// Index into ``ModelAnalysis/weights``.
    public let weight: Int
    public let axis: Int
    public let role: Role
  }
}

/// What a dimension counts, as users name it.
public enum DimensionKind: String, Sendable, CaseIterable {
  case channel
  case feedForward = "ffn"
  case head
  case headWidth = "head-width"
  case keyValueGroup = "kv-group"
  case hidden
  case expert
  case convolutionGroup = "conv-group"
  case embedding
  case other
}

/// Dimensions that may not shrink, by the node that fixed them.
public struct FixedRemark: Sendable {
  /// Index into ``ModelAnalysis/nodes``, or `nil` for the graph's own inputs and outputs.
  public let node: Int?
  public let reason: String
  /// How many dimensions of weights were fixed.
  public let dimensions: Int
  /// Parameters of the weights they belong to.
  public let parameters: Int
  /// The largest of the dimensions, where it occurs in a weight.
  public let example: Example

  /// A dimension in an axis of a weight.
  public struct Example: Sendable {
    /// Index into ``ModelAnalysis/weights``.
    public let weight: Int
    public let axis: Int
    public let size: Int
  }
}

public struct AnalysisError: Error, Sendable, CustomStringConvertible {
  public let node: String
  public let message: String

  public var description: String { "node \(node): \(message)" }
}

extension ModelAnalysis {
  /// The axes one use of a shared vector has; `nil` for inputs that are not such a use.
  public func useAxes(_ use: AxisContext.VectorUse) -> [Axis]? { useAxes[use] }

  /// The dimension an operator remembered for its node.
  public func remembered(node: Int, key: String) -> DimensionID? {
    remembered[AxisContext.Memory(node: node, key: key)]
  }
}
