import Dimensions
import IR
import Kernels

/// The gradients of `RNN`, `GRU` and `LSTM` towards their inputs, by position, from these inputs (eight places) and the
/// gradients of their outputs (three).
public struct RecurrentGradient: OwnOperator {
  public let names = [OperatorName.own("RNNGradient"), .own("GRUGradient"), .own("LSTMGradient")]

  public init() {}

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    for input in 0..<8 { context.setOutput(input, type: context.type(input), shape: context.shape(input)) }
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel { try make(context.real(0), context) }

  private func make<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let layout = try Recurrence.Layout(context)
    let presence = try RecurrentPresence(context, layout)
    let product = try context.matrixProduct()
    let bytes = layout.scratchCount(isBackward: true) * MemoryLayout<T>.stride
    return Kernel(scratchBytes: bytes) { arguments throws(KernelError) in
      let operands = try presence.operands(arguments, T.self, steps: layout.steps)
      let arriving = Recurrence.Results<T>(
        y: presence.arriving(8, arguments), hidden: presence.arriving(9, arguments),
        cell: presence.arriving(10, arguments))
      var gradients = Recurrence.Gradients<T>()
      gradients.x = presence.gradient(0, arguments)
      gradients.w = presence.gradient(1, arguments)
      gradients.r = presence.gradient(2, arguments)
      gradients.bias = presence.gradient(3, arguments)
      gradients.hidden = presence.gradient(5, arguments)
      gradients.cell = presence.gradient(6, arguments)
      gradients.peepholes = presence.gradient(7, arguments)
      Recurrence.gradient(
        operands, arriving: arriving, gradients, layout, product,
        scratch: arguments.scratch.assumingMemoryBound(to: T.self), workers: arguments.workers)
    }
  }
}

extension RecurrentPresence {
  fileprivate func arriving<T: Real>(_ index: Int, _ arguments: KernelArguments) -> UnsafeMutablePointer<T>? {
    let elements: UnsafePointer<T>? = input(index, arguments)
    return elements.map { UnsafeMutablePointer(mutating: $0) }
  }

  /// The place for the gradient of an input, where there are both.
  fileprivate func gradient<T: Real>(_ index: Int, _ arguments: KernelArguments) -> UnsafeMutablePointer<T>? {
    let elements: UnsafePointer<T>? = input(index, arguments)
    return elements == nil ? nil : output(index, arguments)
  }
}
