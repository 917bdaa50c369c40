import Dimensions
import IR

/// Part of an operator's cost: a fixed number times the sizes of axes, some of which pruning may shrink.
public struct MACTerm: Sendable {
  public var constant: Int
  public var axes: [DimensionID]
  /// Sizes of axes that are not related to any dimension, such as a convolution's output positions.
  public var sizes: [Size]

  public init(constant: Int = 1, axes: [DimensionID], sizes: [Size] = []) {
    self.constant = constant
    self.axes = axes
    self.sizes = sizes
  }
}

/// What an operator sees while its cost is counted.
public struct MACContext {
  public let node: Node
  public let facts: [Facts]
  public let axes: [[Axis]?]
  /// Dimensions the operator remembered in ``AxisContext/remember(_:_:)``.
  public let remembered: (_ key: String) -> DimensionID?

  public init(
    node: Node, facts: [Facts], axes: [[Axis]?], remembered: @escaping (String) -> DimensionID? = { _ in nil }
  ) {
    self.node = node
    self.facts = facts
    self.axes = axes
    self.remembered = remembered
  }

  public func shape(_ input: Int) -> [Size]? { node.input(input).flatMap { facts[$0.index].shape } }
  public func dimensions(_ input: Int) -> [DimensionID]? {
    node.input(input).flatMap { axes[$0.index]?.map(\.dimension) }
  }
  public func outputDimensions(_ output: Int = 0) -> [DimensionID]? {
    node.output(output).flatMap { axes[$0.index]?.map(\.dimension) }
  }
  public func outputShape(_ output: Int = 0) -> [Size]? { node.output(output).flatMap { facts[$0.index].shape } }
}
