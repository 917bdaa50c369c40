import IR
import Kernels

extension ScatterND {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices, updates) = (try context.input(0), try context.input(1), try context.input(2))
    let reduction = context.node.string("reduction") ?? "none"
    guard ["none", "add", "mul", "min", "max"].contains(reduction) else {
      throw .unsupported("scattering by \(reduction)")
    }
    guard data.rank > 0, updates.type == data.type else {
      throw .invalid("updates \(updates.shape) do not fit data \(data.shape)")
    }
    let write = try Self.writing(reduction, data.type)
    let (isWide, width, bytes) = (
      try Moving.isWide(indices), try Moving.width(data), data.count * (try Moving.width(data))
    )
    let isElements = context.node.opType != "ScatterND"
    let axis = isElements ? try context.axis(context.node.int("axis", default: 0), rank: data.rank) : 0
    guard !isElements || indices.rank == data.rank else {
      throw .invalid("indices of shape \(indices.shape) do not point into \(data.shape)")
    }
    let walk = ElementWalk(data.shape, indices: isElements ? indices.shape : data.shape, axis: axis)
    let depth = isElements ? 1 : indices.shape.last ?? 0
    guard depth <= data.rank else {
      throw .invalid("indices of shape \(indices.shape) do not point into \(data.shape)")
    }
    let strides = StridedCopy.strides(data.shape)
    let run = isElements ? 1 : data.shape[depth...].reduce(1, *)
    let positions = run == 0 ? 0 : updates.count / run
    let fits =
      isElements
      ? updates.shape == indices.shape && ElementWalk.fits(indices.shape, in: data.shape, axis: axis)
      : updates.count == indices.shape.dropLast().reduce(1, *) * run
    guard fits else {
      throw .invalid("updates \(updates.shape) and indices \(indices.shape) do not fit data \(data.shape)")
    }
    let shape = data.shape
    return Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      let (target, list) = (arguments.rawOutput(0), arguments.rawInput(1))
      if UnsafeRawPointer(target) != arguments.rawInput(0) {
        target.copyMemory(from: arguments.rawInput(0), byteCount: bytes)
      }
      for position in 0..<positions {
        var offset = 0
        if isElements {
          let index = try Moving.index(list, position, isWide: isWide, size: shape[axis])
          offset = walk.base(position) + index * walk.step
        } else {
          for axis in 0..<depth {
            offset += try Moving.index(list, position * depth + axis, isWide: isWide, size: shape[axis]) * strides[axis]
          }
        }
        let source = arguments.rawInput(2) + position * run * width
        if let write {
          write(source, target + offset * width, run)
        } else {
          (target + offset * width).copyMemory(from: source, byteCount: run * width)
        }
      }
    }
  }

  private typealias Writing =
    @Sendable (_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int) -> Void

  /// How elements are combined with what is there; `nil` where they take its place.
  private static func writing(_ reduction: String, _ type: DataType) throws(KernelError) -> Writing? {
    if reduction == "none" { return nil }
    guard type != .bool else { throw .unsupported("scattering truth values by \(reduction)") }
    if KernelContext.isReal(type) {
      let real = try KernelContext.real(type)
      return adding(real, reduction)
    }
    let integer = try KernelContext.integer(type)
    return wrapping(integer, reduction)
  }

  private static func adding<T: Real>(_: T.Type, _ reduction: String) -> Writing {
    combining(T.self, reduction, { $0 + $1 }, { $0 * $1 })
  }

  private static func wrapping<T: IntegerElement>(_: T.Type, _ reduction: String) -> Writing {
    combining(T.self, reduction, { $0 &+ $1 }, { $0 &* $1 })
  }

  private static func combining<T: BitwiseCopyable & Comparable & Sendable>(
    _: T.Type, _ reduction: String, _ add: @escaping @Sendable (T, T) -> T, _ multiply: @escaping @Sendable (T, T) -> T
  ) -> Writing {
    let combine: @Sendable (T, T) -> T =
      switch reduction {
      case "add": add
      case "mul": multiply
      case "min": { min($0, $1) }
      default: { max($0, $1) }
      }
    return { source, target, count in
      let (from, to) = (source.assumingMemoryBound(to: T.self), target.assumingMemoryBound(to: T.self))
      for index in 0..<count { to[index] = combine(to[index], from[index]) }
    }
  }
}
