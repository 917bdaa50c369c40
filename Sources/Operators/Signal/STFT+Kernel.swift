import IR
import Kernels

extension STFT {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (signal, output) = (try context.input(0), try context.output())
    let parts = signal.rank > 2 ? signal.shape[2] : 1
    let window = context.has(2) ? try context.input(2) : nil
    guard let step = try context.ints(1)?.first, let length = try context.ints(3)?.first ?? window?.count,
      step > 0, length > 0, signal.rank > 1, output.rank == 4, parts == 1 || parts == 2,
      length <= signal.shape[1], output.shape[1] == (signal.shape[1] - length) / step + 1,
      window?.count ?? length == length, window?.type ?? signal.type == signal.type
    else { throw .invalid("its signal, step, window and length do not belong together") }
    let frames = Frames(
      batch: signal.shape[0], total: signal.shape[1], parts: parts, count: output.shape[1], bins: output.shape[2],
      step: step, length: length, hasWindow: window != nil)
    let real = try context.real(0)
    return frames.kernel(real)
  }

  private struct Frames: Sendable {
    let batch: Int
    let total: Int
    let parts: Int
    let count: Int
    let bins: Int
    let step: Int
    let length: Int
    let hasWindow: Bool

    func kernel<T: Real>(_: T.Type) -> Kernel {
      let transform = FourierTransform(count: length, isInverse: false)
      return Kernel { arguments throws(KernelError) in
        let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
        let window = hasWindow ? arguments.input(2, as: T.self) : nil
        arguments.workers.forEachRange(of: batch * count, grain: max(1, 4096 / length)) { range in
          var line = [SIMD2<Double>](repeating: .zero, count: length)
          for frame in range {
            let start = x + (frame / count * total + frame % count * step) * parts
            for index in 0..<length {
              let value = SIMD2(Double(start[index * parts]), parts > 1 ? Double(start[index * parts + 1]) : 0)
              line[index] = value * (window.map { Double($0[index]) } ?? 1)
            }
            transform(&line)
            for bin in 0..<bins {
              y[(frame * bins + bin) * 2] = T(line[bin].x)
              y[(frame * bins + bin) * 2 + 1] = T(line[bin].y)
            }
          }
        }
      }
    }
  }
}
