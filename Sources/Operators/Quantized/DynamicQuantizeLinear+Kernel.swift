import IR
import Kernels

extension DynamicQuantizeLinear {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel {
      let count = try context.input(0).count
      let scaleType = context.outputs.count > 1 ? context.outputs[1]?.type : nil
      let givesZero = context.hasOutput(2)
      return Kernel { arguments throws(KernelError) in
        let x: UnsafePointer<T> = arguments.input(0)
        let (scale, zero) = DynamicRange.quantization(x, count)
        if let y: UnsafeMutablePointer<UInt8> = arguments.optionalOutput(0) {
          arguments.workers.forEachRange(of: count, grain: 65_536) {
            Quantize.quantize(x + $0.lowerBound, $0.count, scale: scale, zero: Int32(zero), y + $0.lowerBound)
          }
        }
        if scaleType == .double { arguments.output(1, as: Double.self)[0] = Double(scale) }
        if scaleType == .float { arguments.output(1, as: Float.self)[0] = scale }
        if givesZero { arguments.output(2, as: UInt8.self)[0] = zero }
      }
    }
    return try make(context.real(0))
  }
}
