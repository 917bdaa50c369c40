import IR
import Kernels

extension QLinearPool {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<Q: QuantizedInteger>(_ type: Q.Type) throws(KernelError) -> Kernel { try kernel(context, as: type) }
    return try make(KernelContext.byte(context.output().type))
  }

  private func kernel<Q: QuantizedInteger>(_ context: KernelContext, as type: Q.Type) throws(KernelError) -> Kernel {
    let (x, y) = (try context.input(0).shape, try context.output().shape)
    let isLast = context.node.int("channels_last", default: 0) != 0
    let isGlobal = context.node.opType == "QLinearGlobalAveragePool"
    let rank = x.count - 2
    guard rank > 0 else { throw .invalid("an input of \(x.count) axes") }
    let first = isLast ? 1 : 2
    let input = Array(x[first..<(first + rank)])
    let kernelShape = isGlobal ? input : context.node.ints("kernel_shape")?.map { Int($0) } ?? input
    let window =
      isGlobal
      ? ByteWindow(
        kernel: input, strides: input.map { _ in 1 }, dilations: input.map { _ in 1 }, before: input.map { _ in 0 },
        input: input, output: input.map { _ in 1 })
      : try ByteWindow(context.node, kernel: kernelShape, input: input, output: Array(y[first..<(first + rank)]))
    let pads = context.node.ints("pads") ?? []
    let after = input.indices.map { axis in pads.count == 2 * rank ? Int(pads[rank + axis]) : 0 }
    let countsPadding = !isGlobal && context.node.int("count_include_pad", default: 0) != 0
    let source = try Quantization(context, scale: 1, zeroPoint: 2, type: context.input(0).type)
    let target = try Quantization(context, scale: 3, zeroPoint: 4, type: context.output().type)
    let channels = isLast ? x[x.count - 1] : x[1]
    let (pixels, positions) = (input.reduce(1, *), window.positions)
    return Kernel { arguments throws(KernelError) in
      let (from, to) = (source.scaling(arguments), target.scaling(arguments))
      let data: UnsafePointer<Q> = arguments.input(0)
      let result: UnsafeMutablePointer<Q> = arguments.output(0)
      let grain = max(1, 8_192 / max(1, positions * window.taps))
      arguments.workers.forEachRange(of: x[0] * channels, grain: grain) { range in
        for plane in range {
          let (sample, channel) = (plane / channels, plane % channels)
          ByteAverages.pool(
            data + sample * channels * pixels + channel * (isLast ? 1 : pixels),
            result + sample * channels * positions + channel * (isLast ? 1 : positions),
            stride: isLast ? channels : 1, window: window, countsPadding: countsPadding, after: after, from: from,
            to: to)
        }
      }
    }
  }
}
