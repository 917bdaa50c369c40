import IR
import Kernels

extension Trilu {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    guard input.rank >= 2 else { throw .invalid("its input has \(input.rank) axes, expected 2 at least") }
    let (rows, columns) = (input.shape[input.rank - 2], input.shape[input.rank - 1])
    // A diagonal outside of the matrix is the same wherever it is.
    let shift = min(max(try context.ints(1)?.first ?? 0, -rows), columns)
    let isUpper = context.node.int("upper", default: 1) != 0
    let (width, count) = (try Moving.width(input), input.count)
    return Kernel { arguments throws(KernelError) in
      let (source, target) = (arguments.rawInput(0), arguments.rawOutput(0))
      guard rows * columns > 0 else { return }
      target.initializeMemory(as: UInt8.self, repeating: 0, count: count * width)
      for line in 0..<(count / columns) {
        let diagonal = min(max(line % rows + shift, -1), columns)
        let kept = isUpper ? max(0, diagonal)..<columns : 0..<min(columns, diagonal + 1)
        let offset = (line * columns + kept.lowerBound) * width
        (target + offset).copyMemory(from: source + offset, byteCount: kept.count * width)
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    context.accumulate(
      context.emit(
        OperatorName("Trilu"), [gradient, context.node.input(1)], outputs: 1, attributes: context.node.attributes)[0],
      to: 0)
  }
}
