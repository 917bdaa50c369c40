import IR
import Kernels

extension GatherElements {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices) = (try context.input(0), try context.input(1))
    let axis = try context.axis(context.node.int("axis", default: 0), rank: data.rank)
    guard ElementWalk.fits(indices.shape, in: data.shape, axis: axis) else {
      throw .invalid("indices of shape \(indices.shape) do not point into \(data.shape)")
    }
    let walk = ElementWalk(data.shape, indices: indices.shape, axis: axis)
    let (isWide, width, count, size) = (
      try Moving.isWide(indices), try Moving.width(data), indices.count, data.shape[axis]
    )
    return Kernel { arguments throws(KernelError) in
      let (source, target, list) = (arguments.rawInput(0), arguments.rawOutput(0), arguments.rawInput(1))
      for position in 0..<count {
        let index = try Moving.index(list, position, isWide: isWide, size: size)
        (target + position * width).copyMemory(
          from: source + (walk.base(position) + index * walk.step) * width, byteCount: width)
      }
    }
  }
}

/// Where the elements of a tensor of indices point to in the tensor of data, but for the axis the indices are of.
struct ElementWalk: Sendable {
  private let shape: [Int]
  private var strides: [Int]
  /// Elements between neighbours along the axis.
  let step: Int

  init(_ data: [Int], indices: [Int], axis: Int) {
    shape = indices
    strides = StridedCopy.strides(data)
    step = strides[axis]
    strides[axis] = 0
  }

  /// Whether every index but those of the axis itself lies inside of the data.
  static func fits(_ indices: [Int], in data: [Int], axis: Int) -> Bool {
    indices.count == data.count && !data.isEmpty
      && data.indices.allSatisfy { $0 == axis || indices[$0] <= data[$0] }
  }

  func base(_ position: Int) -> Int {
    var (rest, offset) = (position, 0)
    for axis in shape.indices.reversed() {
      let (next, index) = rest.quotientAndRemainder(dividingBy: shape[axis])
      offset += index * strides[axis]
      rest = next
    }
    return offset
  }
}
