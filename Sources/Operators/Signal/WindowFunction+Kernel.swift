import Glibc
import IR
import Kernels

extension WindowFunction {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let output = try context.output()
    let real = try KernelContext.real(output.type)
    return Self.kernel(real, output.count, context.node)
  }

  private static func kernel<T: Real>(_: T.Type, _ count: Int, _ node: Node) -> Kernel {
    // A periodic window is a symmetric one of one element more, without its last.
    let isPeriodic = node.int("periodic", default: 1) != 0
    let period = Double(max(1, isPeriodic ? count : count - 1))
    let factors = factors(node.opType)
    return Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: T.self)
      for index in 0..<count {
        let angle = 2 * Double.pi * Double(index) / period
        y[index] = T(factors.constant - factors.first * cos(angle) + factors.second * cos(2 * angle))
      }
    }
  }

  /// What a window is the sum of: a constant, and cosines of one and two periods.
  private static func factors(_ name: String) -> (constant: Double, first: Double, second: Double) {
    switch name {
    case "HammingWindow": (25.0 / 46, 21.0 / 46, 0)
    case "BlackmanWindow": (0.42, 0.5, 0.08)
    default: (0.5, 0.5, 0)
    }
  }
}
