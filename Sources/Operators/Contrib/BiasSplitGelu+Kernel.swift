import IR
import Kernels

extension BiasSplitGelu {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let (x, bias) = (try context.input(0), try context.input(1))
      guard let width = x.shape.last, width > 0, width % 2 == 0, bias.count == width else {
        throw .invalid("a bias of shape \(bias.shape)")
      }
      let (rows, half) = (x.count / width, width / 2)
      return Kernel { arguments throws(KernelError) in
        let (data, bias): (UnsafePointer<T>, UnsafePointer<T>) = (arguments.input(0), arguments.input(1))
        let y: UnsafeMutablePointer<T> = arguments.output(0)
        arguments.workers.forEachRange(of: rows, grain: max(1, 16_384 / width)) { range in
          for row in range {
            let (own, into) = (data + row * width, y + row * half)
            GeluKernels.forward(
              own + half, bias: bias + half, into, rows: 1, width: half, kind: .exact, workers: .one)
            for index in 0..<half { into[index] *= own[index] + bias[index] }
          }
        }
      }
    }
    return try make(context.real(0))
  }
}
