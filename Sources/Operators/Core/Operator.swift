import Dimensions
import IR

/// The whole meaning of one ONNX operator, in one file: how it shapes its outputs, how its axes are coupled, what it
/// costs, what it computes, its gradient, and what of it must change when coupled channels go.
///
/// To add an operator, write one such type and list it in `Registry.swift`. Everything else (shape inference, groups,
/// rewriting, tables in the documentation) follows from it.
public protocol Operator: Sendable {
  /// The names this type answers to.
  var names: [OperatorName] { get }

  /// Types, shapes and, for shape arithmetic, contents of the outputs. An output nothing is said of stays unknown.
  func inferShapes(_ context: inout ShapeContext) throws(OperatorError)

  /// Relates the axes of inputs and outputs and unifies those that must shrink together. An output nothing is said of
  /// gets fixed axes.
  func relateAxes(_ context: inout AxisContext)

  /// Multiply-accumulate operations as products of sizes; empty for operators that do none.
  func macs(_ context: MACContext) -> [MACTerm]

  /// Makes the computation for the shapes and types at hand, with all that can be worked out once worked out.
  func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel

  /// Shapes of the outputs that follow from what is in the inputs, as for `Range`; `nil` where ``inferShapes(_:)`` or
  /// ``ChoosingOperator/choose(_:)`` finds them. Asked only while a model runs, when all contents are known.
  func outputShapes(_ context: KernelContext) throws(KernelError) -> [[Int]]?

  /// Adds the nodes that lead the gradients of the outputs to those inputs they are wanted for.
  /// - Throws: where the operator, or this use of it, has no gradient.
  func differentiate(_ context: inout GradientContext) throws(OperatorError)

  /// Changes the node's attributes and integer inputs to suit its pruned inputs and outputs.
  func adapt(_ context: inout RewriteContext) throws(OperatorError)

  /// Positions of inputs that hold sizes, counts or positions, so that they follow the pruned shapes. Sizes that reach
  /// any other input have entered the arithmetic and keep their first value.
  func sizeInputs(_ node: Node) -> Set<Int>

  /// The one of them that spells the first output's shape, an element an axis.
  var shapeInput: Int? { get }

  /// Whether a node may take floats beside doubles, as they are stored. The kernels of all others read one of both.
  func mixesPrecisions(_ node: Node) -> Bool

  /// Whether integer outputs are computed from integer inputs alone: shape arithmetic, folded where it can be.
  var isShapeArithmetic: Bool { get }

  /// Whether the outputs follow from the shape of the input, whatever it holds.
  var readsShapeAlone: Bool { get }
}

extension Operator {
  public func macs(_ context: MACContext) -> [MACTerm] { [] }
  public func adapt(_ context: inout RewriteContext) throws(OperatorError) {}
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    throw .notComputed(context.node)
  }
  public func outputShapes(_ context: KernelContext) throws(KernelError) -> [[Int]]? { nil }
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    throw OperatorError("\(context.node.opType) has no gradient")
  }
  public func sizeInputs(_ node: Node) -> Set<Int> { [] }
  public var shapeInput: Int? { nil }
  public func mixesPrecisions(_ node: Node) -> Bool { false }
  public var isShapeArithmetic: Bool { false }
  public var readsShapeAlone: Bool { false }

  /// Makes the computation of inputs whose precisions go together.
  public func checkedKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try checkPrecisions(context)
    return try makeKernel(context)
  }

  func checkPrecisions(_ context: KernelContext) throws(KernelError) {
    let types = context.inputs.compactMap { $0?.type }
    guard mixesPrecisions(context.node) || !types.contains(.float) || !types.contains(.double) else {
      throw .unsupported("inputs of types float and double: cast them to one type")
    }
  }
}

/// An operator of Coppice's own, which rewriting for training or for speed adds to a graph before it runs.
public protocol OwnOperator: Operator {}

extension OwnOperator {
  public func relateAxes(_ context: inout AxisContext) { context.fixInputs("it only runs") }
}

public struct OperatorName: Hashable, Sendable {
  public let domain: String
  public let type: String

  public init(_ type: String, domain: String = "") {
    self.domain = domain
    self.type = type
  }

  /// An operator of Coppice's own, which only graphs made for running hold.
  public static func own(_ type: String) -> OperatorName { OperatorName(type, domain: ownDomain) }

  public static let ownDomain = "coppice"

  /// An operator of ONNX Runtime's contrib domain.
  public static func microsoft(_ type: String) -> OperatorName { OperatorName(type, domain: "com.microsoft") }
}

/// What a node says about itself that cannot be.
public struct OperatorError: Error, Sendable {
  public let message: String

  public init(_ message: String) { self.message = message }
}
