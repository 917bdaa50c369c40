import IR
import Kernels

extension NhwcMaxPool {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<Q: QuantizedInteger>(_ type: Q.Type) throws(KernelError) -> Kernel {
      let (x, y) = (try context.input(0).shape, try context.output().shape)
      guard x.count > 2, let kernel = context.node.ints("kernel_shape") else {
        throw .invalid("an input of \(x.count) axes")
      }
      let window = try ByteWindow(
        context.node, kernel: kernel.map { Int($0) }, input: Array(x[1..<(x.count - 1)]),
        output: Array(y[1..<(y.count - 1)]))
      let (channels, pixels) = (x[x.count - 1], window.input.reduce(1, *))
      return Kernel { arguments throws(KernelError) in
        let data: UnsafePointer<Q> = arguments.input(0)
        let result: UnsafeMutablePointer<Q> = arguments.output(0)
        for sample in 0..<x[0] {
          ByteMaximum.pool(
            data + sample * pixels * channels, result + sample * window.positions * channels, channels: channels,
            window: window, workers: arguments.workers)
        }
      }
    }
    return try make(KernelContext.byte(context.input(0).type))
  }
}
