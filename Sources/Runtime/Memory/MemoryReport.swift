import IR

/// What running a model takes, known before it runs.
public struct MemoryReport: Sendable, Equatable {
  /// Weights and other constants as they are computed with, after what can be folded has been.
  public let parameterBytes: Int
  /// Gradients of what is trained; zero when nothing is.
  public let gradientBytes: Int
  /// All tensors between inputs and outputs, those that live at the same time added up at their peak.
  public let activationBytes: Int
  /// Memory of activations that gradients take over when those are not needed any more, counted in both.
  public let sharedBytes: Int

  /// All of it, at its peak.
  public var peakBytes: Int { parameterBytes + gradientBytes + activationBytes - sharedBytes }
}

extension MemoryReport {
  /// Of a program that trains, whose gradients lie among its activations.
  /// - Parameters:
  ///   - arenaBytes: of the memory both lie in.
  ///   - gradients: the values that are gradients of parameters.
  init(of compiled: ProgramCompiler, arenaBytes: Int, parameterBytes: Int, gradients: Set<ValueID>) {
    // By request, the step that makes the gradient in it.
    var births: [Int: Int] = [:]
    for (index, step) in compiled.steps.enumerated() {
      for case let output? in step.node.outputs where gradients.contains(output) {
        if case .arena(let request) = compiled.places[output.index] { births[request] = index }
      }
    }
    let activations = compiled.requests.enumerated().compactMap { index, request -> MemoryPlan.Request? in
      guard let birth = births[index] else { return request }
      // A gradient may be written over what it is made of, which is an activation until then.
      let first = request.lifetime.lowerBound
      return first < birth ? MemoryPlan.Request(byteCount: request.byteCount, lifetime: first...birth - 1) : nil
    }
    let gradientBytes = births.keys.reduce(0) { $0 + compiled.requests[$1].byteCount }
    // The gaps between tensors are the activations', so that the parts add up.
    let activationBytes = max(Self.peak(activations), arenaBytes - gradientBytes)
    self.init(
      parameterBytes: parameterBytes, gradientBytes: gradientBytes, activationBytes: activationBytes,
      sharedBytes: gradientBytes + activationBytes - arenaBytes)
  }

  /// The most that lives at the same time.
  private static func peak(_ requests: [MemoryPlan.Request]) -> Int {
    var changes = [Int](repeating: 0, count: (requests.map(\.lifetime.upperBound).max() ?? 0) + 2)
    for request in requests {
      changes[request.lifetime.lowerBound] += MemoryPlan.aligned(request.byteCount)
      changes[request.lifetime.upperBound + 1] -= MemoryPlan.aligned(request.byteCount)
    }
    var (live, peak) = (0, 0)
    for change in changes {
      live += change
      peak = max(peak, live)
    }
    return peak
  }
}
