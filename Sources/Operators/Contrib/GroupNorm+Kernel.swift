import IR
import Kernels

extension GroupNorm {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    func make<T: Real>(_ type: T.Type) throws(KernelError) -> Kernel { try kernel(context, as: T.self) }
    return try make(context.real(0))
  }

  private func kernel<T: Real>(_ context: KernelContext, as type: T.Type) throws(KernelError) -> Kernel {
    let x = try context.input(0).shape
    let isLast = context.node.int("channels_last", default: 1) != 0
    let groups = Int(context.node.int("groups", default: 0))
    guard x.count > 2, groups > 0 else { throw .invalid("an input of \(x.count) axes in \(groups) groups") }
    let channels = isLast ? x[x.count - 1] : x[1]
    guard channels % groups == 0 else { throw .invalid("\(channels) channels in \(groups) groups") }
    _ = (try context.input(1), try context.input(2))
    try context.checkOneType([0, 1, 2, 3, 4])
    try context.check(1, "scales", counts: [channels])
    try context.check(2, "shifts", counts: [channels])
    let layout = LastChannels.Layout(
      channels: channels, pixels: x.dropFirst().reduce(1, *) / max(1, channels), groups: groups, isLast: isLast)
    let epsilon = Double(context.node.float("epsilon") ?? 1e-5)
    let isActivated = context.node.int("activation", default: 0) == 1
    let residual = context.node.opType == "SkipGroupNorm" ? try Residual(context, x, isLast: isLast) : nil
    let keepsSum = context.hasOutput(1)
    return Kernel { arguments throws(KernelError) in
      let y: UnsafeMutablePointer<T> = arguments.output(0)
      var source: UnsafePointer<T> = arguments.input(0)
      if let residual {
        let sum: UnsafeMutablePointer<T> = keepsSum ? arguments.output(1) : y
        residual.add(arguments, sum)
        source = UnsafePointer(sum)
      }
      LastChannels.normalize(
        source, scale: arguments.input(1), shift: arguments.input(2), y, samples: x[0], layout: layout,
        epsilon: epsilon, isActivated: isActivated, workers: arguments.workers)
    }
  }

  /// What is added before normalizing: a residual and a bias.
  private struct Residual: Sendable {
    let broadcast: Broadcast
    let hasBias: Bool

    init(_ context: KernelContext, _ x: [Int], isLast: Bool) throws(KernelError) {
      guard isLast else { throw .unsupported("SkipGroupNorm with the channels second") }
      var skip = try context.input(3).shape
      // One number for each channel of a sample.
      if skip.count == 2 { skip = [skip[0]] + [Int](repeating: 1, count: x.count - 2) + [skip[1]] }
      hasBias = context.has(4)
      broadcast = try Broadcast(checked: [x, skip] + (hasBias ? [context.input(4).shape] : []), to: x)
    }

    func add<T: Real>(_ arguments: KernelArguments, _ sum: UnsafeMutablePointer<T>) {
      let steps = broadcast.rowStrides
      withUnsafePointer(to: T.zero) { zero in
        broadcast.forEachRow(arguments.workers, grain: 32_768) { starts, output, count in
          let x: UnsafePointer<T> = arguments.input(0)
          let skip: UnsafePointer<T> = arguments.input(3)
          let bias: UnsafePointer<T> = hasBias ? arguments.input(4) + starts[2] : zero
          Rows.add(
            x + starts[0], steps[0], skip + starts[1], steps[1], bias, hasBias ? steps[2] : 0, sum + output, count)
        }
      }
    }
  }
}
