import IR
import Kernels

/// An operator's computation for given shapes and types: what ``Operator/makeKernel(_:)`` makes once, and a program runs
/// many times.
public struct Kernel: Sendable {
  public typealias Body = @Sendable (KernelArguments) throws(KernelError) -> Void

  /// What the kernel does with the memory of its first input.
  public enum Sharing: Sendable, Equatable {
    /// Reads inputs and writes outputs in memory of their own.
    case none
    /// Computes output 0 so that it may be written over any one of these inputs of the same size. Where a node takes the
    /// same value for several of them, over all of those at once: the kernel has read them at an element before it
    /// writes there. An input that is not listed is read again after the output has been written, or elsewhere.
    case overwrites([Int])
    /// Output 0 is input 0 under another shape: nothing is computed, the memory is shared.
    case view
  }

  public var sharing: Sharing
  /// Memory the kernel needs while it runs, in bytes, aligned to 64. Its contents are arbitrary at the start.
  public var scratchBytes: Int
  public var body: Body

  public init(sharing: Sharing = .none, scratchBytes: Int = 0, body: @escaping Body) {
    self.sharing = sharing
    self.scratchBytes = scratchBytes
    self.body = body
  }

  /// Output 0 is input 0 under another shape.
  public static let view = Kernel(sharing: .view) { _ throws(KernelError) in }
}

/// The memory a kernel works on during one run: elements in row-major order, without gaps.
///
/// Outputs never overlap inputs but where ``Kernel/sharing`` allows it.
public struct KernelArguments {
  let inputs: UnsafePointer<UnsafeMutableRawPointer?>
  let outputs: UnsafePointer<UnsafeMutableRawPointer?>
  public let scratch: UnsafeMutableRawPointer
  public let workers: Workers

  public init(
    inputs: UnsafePointer<UnsafeMutableRawPointer?>, outputs: UnsafePointer<UnsafeMutableRawPointer?>,
    scratch: UnsafeMutableRawPointer, workers: Workers
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.scratch = scratch
    self.workers = workers
  }

  /// The elements of an input the node has, by its position.
  public func input<T: BitwiseCopyable>(_ index: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
    UnsafePointer(inputs[index]!.assumingMemoryBound(to: T.self))
  }

  /// The same, or `nil` where the node leaves the input out. `index` must be below the number of the node's inputs.
  public func optionalInput<T: BitwiseCopyable>(_ index: Int, as type: T.Type = T.self) -> UnsafePointer<T>? {
    inputs[index].map { UnsafePointer($0.assumingMemoryBound(to: T.self)) }
  }

  /// The memory of an output the node has, by its position.
  public func output<T: BitwiseCopyable>(_ index: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    outputs[index]!.assumingMemoryBound(to: T.self)
  }

  /// The same, or `nil` where the node leaves the output out. `index` must be below the number of the node's outputs.
  public func optionalOutput<T: BitwiseCopyable>(_ index: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T>? {
    outputs[index].map { $0.assumingMemoryBound(to: T.self) }
  }

  public func rawInput(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(inputs[index]!) }

  public func rawOutput(_ index: Int) -> UnsafeMutableRawPointer { outputs[index]! }
}

/// Why a kernel cannot be made or cannot go on.
public enum KernelError: Error, Sendable, Equatable {
  /// What the kernel does depends on the contents of an input that is not known before the model runs: it is made again
  /// when they are.
  case needsContents(input: Int)
  /// The combination of attributes and types is not computed by Coppice.
  case unsupported(String)
  /// What the data says cannot be, such as an index outside of its axis.
  case invalid(String)

  /// The operator has rules for shapes and axes, but is not computed.
  public static func notComputed(_ node: Node) -> KernelError { .unsupported("\(node.opType) is not computed") }
}
