import IR
import Kernels

extension DFT {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.rank > 1, output.rank == input.rank else { throw .invalid("its input has \(input.rank) axes") }
    let given = try context.ints(2)?.first.map { Int64($0) }
    let axis = try context.axis(
      given ?? (context.opset >= 20 ? -2 : context.node.int("axis", default: 1)), rank: input.rank)
    let parts = input.shape[input.rank - 1]
    guard axis < input.rank - 1, parts == 1 || parts == 2 else {
      throw .invalid("the last axis holds \(parts) numbers where 1 or 2 are expected")
    }
    let isInverse = context.node.int("inverse", default: 0) != 0
    let isOneSided = context.node.int("onesided", default: 0) != 0
    guard !isOneSided || isInverse || parts == 1 else {
      throw .invalid("half of a spectrum is asked of complex numbers")
    }
    // Inverting half of a spectrum makes as many numbers as the output has.
    let count = try context.ints(1)?.first ?? (isOneSided && isInverse ? output.shape[axis] : input.shape[axis])
    guard count > 0, count <= Self.longest else { throw .invalid("its length is \(count)") }
    let lines = Lines(
      count: count, source: input.shape[axis], target: output.shape[axis],
      inner: input.shape[(axis + 1)..<(input.rank - 1)].reduce(1, *), outer: input.shape[..<axis].reduce(1, *),
      parts: parts, resultParts: output.shape[output.rank - 1], isInverse: isInverse,
      mirrors: isOneSided && isInverse)
    let real = try context.real(0)
    return lines.kernel(real)
  }

  /// A transform longer than this would not fit the memory it needs.
  private static let longest = 1 << 28

  /// How the lines of a tensor that are transformed lie in it.
  private struct Lines: Sendable {
    let count: Int
    let source: Int
    let target: Int
    let inner: Int
    let outer: Int
    let parts: Int
    let resultParts: Int
    let isInverse: Bool
    /// Whether the second half of the spectrum is the mirrored conjugate of the first.
    let mirrors: Bool

    func kernel<T: Real>(_: T.Type) -> Kernel {
      let transform = FourierTransform(count: count, isInverse: isInverse)
      return Kernel { arguments throws(KernelError) in
        let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
        arguments.workers.forEachRange(of: outer * inner, grain: max(1, 4096 / count)) { range in
          var line = [SIMD2<Double>](repeating: .zero, count: count)
          for index in range {
            read(x + (index / inner * source * inner + index % inner) * parts, &line)
            transform(&line)
            write(line, y + (index / inner * target * inner + index % inner) * resultParts)
          }
        }
      }
    }

    private func read<T: Real>(_ x: UnsafePointer<T>, _ line: inout [SIMD2<Double>]) {
      for index in 0..<count {
        let place = x + index * inner * parts
        line[index] = index < source ? SIMD2(Double(place[0]), parts > 1 ? Double(place[1]) : 0) : .zero
      }
      guard mirrors else { return }
      for index in stride(from: count / 2 + 1, to: count, by: 1) {
        line[index] = SIMD2(line[count - index].x, -line[count - index].y)
      }
    }

    private func write<T: Real>(_ line: [SIMD2<Double>], _ y: UnsafeMutablePointer<T>) {
      let scale = isInverse ? 1 / Double(count) : 1
      for index in 0..<min(target, count) {
        let place = y + index * inner * resultParts
        place[0] = T(line[index].x * scale)
        if resultParts > 1 { place[1] = T(line[index].y * scale) }
      }
    }
  }
}
