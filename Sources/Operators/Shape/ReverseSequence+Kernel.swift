import IR
import Kernels

extension ReverseSequence {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, lengths) = (try context.input(0), try context.input(1))
    let batchAxis = context.node.int("batch_axis", default: 1)
    let timeAxis = context.node.int("time_axis", default: 0)
    guard input.rank > 1, [[0, 1], [1, 0]].contains([batchAxis, timeAxis]) else {
      throw .invalid("its axes are \(batchAxis) and \(timeAxis) of \(input.rank)")
    }
    guard lengths.shape == [input.shape[Int(batchAxis)]] else {
      throw .invalid("lengths of shape \(lengths.shape) where one for each entry of the batch is expected")
    }
    let (size, isTimeFirst) = (input.shape[Int(timeAxis)], timeAxis == 0)
    let (rows, columns) = (input.shape[0], input.shape[1])
    let run = input.shape[2...].reduce(try Moving.width(input), *)
    let (isWide, batch) = (try Moving.isWide(lengths), lengths.count)
    return Kernel { arguments throws(KernelError) in
      let (x, y) = (arguments.rawInput(0), arguments.rawOutput(0))
      for sample in 0..<batch {
        let length = try Moving.index(arguments.rawInput(1), sample, isWide: isWide, size: size + 1)
        for time in 0..<size {
          let source = time < length ? length - 1 - time : time
          let from = isTimeFirst ? source * columns + sample : sample * columns + source
          let to = isTimeFirst ? time * columns + sample : sample * columns + time
          (y + to * run).copyMemory(from: x + from * run, byteCount: run)
        }
      }
    }
  }

  /// What is reversed twice is as it was.
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let gradient = context.gradient() else { return }
    context.accumulate(
      context.emit(
        OperatorName("ReverseSequence"), [gradient, context.node.input(1)], outputs: 1,
        attributes: context.node.attributes)[0], to: 0)
  }
}
