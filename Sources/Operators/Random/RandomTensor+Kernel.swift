import IR
import Kernels

extension RandomTensor {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    let real = try KernelContext.real(output.type)
    return Self.kernel(real, output.count, context.node)
  }

  private static func kernel<T: Real>(_: T.Type, _ count: Int, _ node: Node) -> Kernel {
    let numbers = RandomNumbers(node)
    let isNormal = node.opType.hasPrefix("RandomNormal")
    let first = Double(node.float(isNormal ? "mean" : "low") ?? 0)
    let second = Double(node.float(isNormal ? "scale" : "high") ?? 1)
    return Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      arguments.workers.forEachRange(of: count, grain: 4096) { range in
        if isNormal {
          for index in range { y[index] = T(first + second * numbers.normal(index)) }
        } else {
          for index in range { y[index] = T(first + (second - first) * numbers.uniform(index)) }
        }
      }
    }
  }
}

extension RandomNumbers {
  /// The numbers a node draws: those of its seed. Nodes without one draw the same numbers in every run, and others than
  /// their neighbours.
  init(_ node: Node) {
    if let seed = node.float("seed") {
      self.init(seed: UInt64(seed.bitPattern), stream: 0)
    } else {
      self.init(seed: 0, stream: UInt64(1 + (node.output(0)?.index ?? 0)))
    }
  }
}
