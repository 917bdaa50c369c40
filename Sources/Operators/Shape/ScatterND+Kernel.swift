import IR
import Kernels

extension ScatterND {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices, updates) = (try context.input(0), try context.input(1), try context.input(2))
    let reduction = context.node.string("reduction") ?? "none"
    guard reduction == "none" || data.type == .float || data.type == .double else {
      throw .unsupported("scattering by \(reduction) in type \(data.type)")
    }
    guard ["none", "add", "mul", "min", "max"].contains(reduction) else {
      throw .unsupported("scattering by \(reduction)")
    }
    let (isWide, width, bytes) = (
      try Moving.isWide(indices), try Moving.width(data), data.count * (try Moving.width(data))
    )
    let type = data.type
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
        if reduction == "none" {
          (target + offset * width).copyMemory(from: source, byteCount: run * width)
        } else if type == .float {
          Self.combine(source, target + offset * width, run, Float.self, reduction)
        } else {
          Self.combine(source, target + offset * width, run, Double.self, reduction)
        }
      }
    }
  }

  private static func combine<T: Real>(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int, _: T.Type, _ reduction: String
  ) {
    let (from, to) = (source.assumingMemoryBound(to: T.self), target.assumingMemoryBound(to: T.self))
    for index in 0..<count {
      switch reduction {
      case "add": to[index] += from[index]
      case "mul": to[index] *= from[index]
      case "min": to[index] = min(to[index], from[index])
      default: to[index] = max(to[index], from[index])
      }
    }
  }
}
