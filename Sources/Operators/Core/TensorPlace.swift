import Kernels

/// Where a tensor lies while a kernel runs.
enum TensorPlace: Sendable, Equatable {
  case input(Int)
  case output(Int)
  /// Bytes into the kernel's scratch memory.
  case scratch(Int)

  func elements<T: BitwiseCopyable>(_ arguments: KernelArguments, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    switch self {
    case .input(let index): UnsafeMutablePointer(mutating: arguments.input(index, as: T.self))
    case .output(let index): arguments.output(index)
    case .scratch(let offset): (arguments.scratch + offset).assumingMemoryBound(to: T.self)
    }
  }
}
