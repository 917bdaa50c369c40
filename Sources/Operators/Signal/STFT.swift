import Dimensions
import IR

/// `STFT`: Fourier transforms of the windows of a signal.
public struct STFT: FixingOperator {
  public let names = [OperatorName("STFT")]
  public let reason = "transforms along it"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let signal = context.shape(0), signal.count > 1 else {
      return context.setOutput(type: context.type(0), shape: nil)
    }
    let step = try context.size(heldBy: 1, axis: 1).known
    let length = context.has(3) ? try context.size(heldBy: 3, axis: 2).known : context.shape(2)?.first?.known
    let isOneSided = context.node.int("onesided", default: 1) != 0
    var frames = context.freshSize(axis: 1)
    if let step, let length, let total = signal[1].known {
      guard step > 0, length > 0, length <= total else {
        throw OperatorError("windows of \(length) by steps of \(step) do not fit a signal of \(total)")
      }
      frames = .known((total - length) / step + 1)
    }
    let bins = length.map { Size.known(isOneSided ? $0 / 2 + 1 : $0) } ?? context.freshSize(axis: 2)
    context.setOutput(type: context.type(0), shape: [signal[0], frames, bins, .known(2)])
  }
}
