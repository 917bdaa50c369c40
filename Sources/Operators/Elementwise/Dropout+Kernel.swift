import Dimensions
import IR
import Kernels

extension Dropout {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let input = try context.input(0)
    if context.opset >= 12, context.has(2), try context.ints(2)?.first ?? 0 != 0 {
      let ratio = try Self.checked(context.doubles(1)?.first ?? 0.5)
      let seed = UInt64(bitPattern: context.node.int("seed", default: 0))
      return Self.dropping(try context.real(0), context, RandomMask(seed: seed, stream: 0, ratio: ratio), ratio)
    }
    guard context.hasOutput(1) else { return .view }
    return Self.keeping(try context.real(0), input.count, try context.output(1).type)
  }

  /// Refuses a ratio that is not a number.
  static func checked(_ ratio: Double) throws(KernelError) -> Double {
    guard !ratio.isNaN else { throw .invalid("its ratio is not a number, expected one from 0 to 1") }
    return ratio
  }

  /// Outside of training all is kept.
  private static func keeping<T: Real>(_: T.Type, _ count: Int, _ maskType: DataType) -> Kernel {
    Kernel(sharing: .overwrites([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      if x != UnsafePointer(y) { y.update(from: x, count: count) }
      if maskType == .bool {
        arguments.output(1, as: UInt8.self).update(repeating: 1, count: count)
      } else {
        arguments.output(1, as: T.self).update(repeating: 1, count: count)
      }
    }
  }

  private static func dropping<T: Real>(
    _: T.Type, _ context: KernelContext, _ mask: RandomMask, _ ratio: Double
  ) -> Kernel {
    let count = context.inputs[0]?.count ?? 0
    let hasMask = context.hasOutput(1)
    let scale = ratio < 1 ? T(1 / (1 - ratio)) : 0
    return Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      let kept = hasMask ? arguments.output(1, as: UInt8.self) : nil
      arguments.workers.forEachRange(of: count, grain: 32768) { range in
        mask.apply(x, y, range, scale: scale)
        if let kept { mask.write(kept, range) }
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    // The identity: training replaces dropout that drops.
    if let g = context.gradient() { context.accumulate(g, to: 0) }
  }
}

/// Dropout that drops: the inputs are the data and a seed, one number a step, and the attributes say which share is
/// dropped and tell the dropouts of a model apart. Given a gradient instead of the data, it is its own gradient.
public struct DropoutTraining: OwnOperator {
  public let names = [OperatorName.own("DropoutTraining")]

  public init() {}

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(0, type: context.type(0), shape: context.shape(0))
    context.setOutput(1, type: .bool, shape: context.shape(0))
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    try Self.kernel(try context.real(0), context)
  }

  private static func kernel<T: Real>(_: T.Type, _ context: KernelContext) throws(KernelError) -> Kernel {
    let count = try context.input(0).count
    let width = try context.input(1).type.byteWidth ?? 1
    let ratio = try Dropout.checked(Double(context.node.float("ratio") ?? 0.5))
    let stream = UInt64(bitPattern: context.node.int("stream", default: 0))
    let hasMask = context.hasOutput(1)
    let scale = ratio < 1 ? T(1 / (1 - ratio)) : 0
    return Kernel(sharing: context.overwritable([0])) { arguments throws(KernelError) in
      let (x, y) = (arguments.input(0, as: T.self), arguments.output(0, as: T.self))
      // The bits of the seed, of whatever type it is.
      var seed: UInt64 = 0
      withUnsafeMutableBytes(of: &seed) { bytes in
        bytes.copyMemory(from: UnsafeRawBufferPointer(start: arguments.rawInput(1), count: min(8, width)))
      }
      let mask = RandomMask(seed: seed, stream: stream, ratio: ratio)
      let kept = hasMask ? arguments.output(1, as: UInt8.self) : nil
      arguments.workers.forEachRange(of: count, grain: 32768) { range in
        mask.apply(x, y, range, scale: scale)
        if let kept { mask.write(kept, range) }
      }
    }
  }

  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard let g = context.gradient() else { return }
    let gradient = context.emit(
      .own("DropoutTraining"), g, context.node.input(1), attributes: context.node.attributes)
    context.accumulate(gradient, to: 0)
  }
}
