import IR
import Kernels

extension Gather {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices) = (try context.input(0), try context.input(1))
    guard data.rank > 0 else { throw .invalid("nothing can be gathered of a scalar") }
    let axis = try context.axis(context.node.int("axis", default: 0), rank: data.rank)
    let isWide = try Moving.isWide(indices)
    let run = data.shape[(axis + 1)...].reduce(try Moving.width(data), *)
    let (outer, size, count) = (data.shape[..<axis].reduce(1, *), data.shape[axis], indices.count)
    return Kernel { arguments throws(KernelError) in
      let (source, target, list) = (arguments.rawInput(0), arguments.rawOutput(0), arguments.rawInput(1))
      for position in 0..<count {
        let index = try Moving.index(list, position, isWide: isWide, size: size)
        for row in 0..<outer {
          (target + (row * count + position) * run).copyMemory(
            from: source + (row * size + index) * run, byteCount: run)
        }
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    try context.accumulateGathered(by: .own("GatherGradient"))
  }
}

/// Sums slices into the places of a zero tensor they were gathered from.
public struct GatherGradient: GatheredGradient {
  public let names = [OperatorName.own("GatherGradient")]

  public init() {}

  func run<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let (data, indices) = (try context.output(), try context.input(1))
    let axis = try context.axis(context.node.int("axis", default: 0), rank: data.rank)
    let isWide = try Moving.isWide(indices)
    let width = data.shape[(axis + 1)...].reduce(1, *)
    let (outer, size, count, total) = (data.shape[..<axis].reduce(1, *), data.shape[axis], indices.count, data.count)
    return Kernel { arguments throws(KernelError) in
      let (gradient, target) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      let list = arguments.rawInput(1)
      arguments.workers.forEachRange(of: total, grain: 1 << 16) { range in
        (target + range.lowerBound).update(repeating: 0, count: range.count)
      }
      // One thread adds up each slice in the order of the indices.
      for position in 0..<count {
        let index = try Moving.index(list, position, isWide: isWide, size: size)
        for row in 0..<outer {
          Accumulate.add(gradient + (row * count + position) * width, to: target + (row * size + index) * width, width)
        }
      }
    }
  }
}
