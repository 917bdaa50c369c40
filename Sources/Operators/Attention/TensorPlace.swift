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

/// Divides a kernel's scratch memory.
struct ScratchLayout {
  private(set) var byteCount = 0

  mutating func reserve(_ bytes: Int) -> TensorPlace {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return .scratch(byteCount)
  }
}

/// The rows of heads of a tensor: where they start and how they lie.
struct HeadPlace: Sendable {
  var place: TensorPlace
  /// Elements before the first head's first row.
  var offset = 0
  var strides: HeadStrides

  func rows<T: Real>(_ arguments: KernelArguments) -> HeadRows<T> { mutableRows(arguments).reading }

  func mutableRows<T: Real>(_ arguments: KernelArguments) -> MutableHeadRows<T> {
    MutableHeadRows(place.elements(arguments) + offset, strides)
  }

  /// The rows from one on.
  func from(row: Int) -> HeadPlace {
    HeadPlace(place: place, offset: offset + row * strides.row, strides: strides)
  }
}
