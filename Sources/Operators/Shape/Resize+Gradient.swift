import Dimensions
import IR
import Kernels

extension Resize {
  public func differentiate(_ context: inout GradientContext) throws(OperatorError) {
    guard context.wants(0), let gradient = context.gradient() else { return }
    let sizes = context.node.inputs.dropFirst()
    context.accumulate(
      context.emit(
        .own("ResizeGradient"),
        [gradient] + sizes + [ValueID?](repeating: nil, count: max(0, 3 - sizes.count))
          + [context.vector(try context.shape(0))], outputs: 1,
        attributes: context.node.attributes + [
          Attribute(name: "opset", value: .int(context.opset)),
          Attribute(name: "of", value: .string(Array(context.node.opType.utf8))),
        ])[0], to: 0)
  }
}

/// The gradient of ``Resize``: its taps, the other way round. Inputs: gradient, those of the node, the input's shape.
public struct ResizeGradient: OwnOperator {
  public let names = [OperatorName.own("ResizeGradient")]

  public init() {}

  public func mixesPrecisions(_ node: Node) -> Bool { true }

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    context.setOutput(type: context.type(0), shape: context.facts(4).knownInts?.map { .known($0) })
  }

  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (gradient, output) = (try context.input(0), try context.output())
    var forward = context
    forward.node.opType = context.node.string("of") ?? "Resize"
    forward.opset = context.node.int("opset", default: 13)
    let axes = try Resize().axisWeights(forward, output.shape, gradient.shape)
    switch output.type {
    case .float: return run(Float.self, axes, output.shape, gradient.shape)
    case .double: return run(Double.self, axes, output.shape, gradient.shape)
    default: throw .unsupported("a gradient of type \(output.type)")
    }
  }

  private func run<T: Real>(
    _: T.Type, _ axes: [Resize.AxisWeights], _ shape: [Int], _ resized: [Int]
  ) -> Kernel {
    let largest = max(shape.reduce(1, *), resized.reduce(1, *), zip(shape, resized).reduce(1) { $0 * max($1.0, $1.1) })
    let count = shape.reduce(1, *)
    return Kernel(scratchBytes: 2 * largest * MemoryLayout<T>.stride) { arguments throws(KernelError) in
      let halves = arguments.scratch.assumingMemoryBound(to: T.self)
      var source = arguments.input(0, as: T.self)
      var current = resized
      for (step, weights) in axes.reversed().enumerated() {
        let target = halves + (step % 2) * largest
        let outer = current[..<weights.axis].reduce(1, *)
        let inner = current[(weights.axis + 1)...].reduce(1, *)
        target.update(repeating: 0, count: outer * weights.size * inner)
        for row in 0..<outer {
          for (position, taps) in weights.taps.enumerated() {
            let line = source + (row * weights.taps.count + position) * inner
            for tap in taps {
              let place = target + (row * weights.size + tap.index) * inner
              for index in 0..<inner { place[index] += line[index] * T(tap.factor) }
            }
          }
        }
        current[weights.axis] = weights.size
        source = UnsafePointer(target)
      }
      arguments.output(0, as: T.self).update(from: source, count: count)
    }
  }
}
