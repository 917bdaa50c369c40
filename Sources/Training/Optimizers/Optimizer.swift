import IR
import Kernels
import Runtime

/// Changes parameters by their gradients: an update rule with its state.
///
/// ```swift
/// let optimizer = Optimizer(SGD(momentum: 0.9), parameters: parameters)
/// let (loss, _) = try program.run(batch)
/// optimizer.collect(program)
/// optimizer.step(program, rate: 0.1)
/// ```
public final class Optimizer {
  public let rule: any UpdateRule
  private let parameters: Parameters
  private let workers: Workers
  /// Steps made so far.
  public private(set) var step = 0
  /// By slot, then by parameter.
  private var state: [[FloatBuffer]]
  /// Sums of gradients of several batches, where they are collected.
  private var sums: [FloatBuffer] = []
  /// How many gradients are collected for the next step.
  public private(set) var collected = 0

  /// Elements one thread changes at a time.
  private static let grain = 1 << 16

  /// Sees what a step does to a trained parameter, by its number.
  public typealias Observer = (
    _ parameter: Int, _ before: UnsafePointer<Float>, _ direction: UnsafePointer<Float>
  ) -> Void

  public init(_ rule: some UpdateRule, parameters: Parameters, workers: Workers = .all) {
    self.rule = rule
    self.parameters = parameters
    self.workers = workers
    state = (0..<rule.slots).map { _ in parameters.trained.map { FloatBuffer(count: $0.count) } }
  }

  /// Adds the gradients of the program's last run to those of earlier ones: the next step takes their mean.
  public func collect(_ program: TrainingProgram) {
    if sums.isEmpty { sums = parameters.trained.map { FloatBuffer(count: $0.count) } }
    for (index, parameter) in parameters.trained.enumerated() {
      let sum = sums[index].start
      program.withGradient(of: parameter) { gradient in
        guard let start = gradient.baseAddress else { return }
        nonisolated(unsafe) let (source, target) = (UnsafePointer(start), sum)
        workers.forEachRange(of: gradient.count, grain: Self.grain) { range in
          Updates.add(source + range.lowerBound, to: target + range.lowerBound, count: range.count)
        }
      }
    }
    collected += 1
  }

  /// Forgets what was collected, as where a batch in the middle of a step failed.
  public func discard() {
    for sum in sums where collected > 0 { sum.clear() }
    collected = 0
  }

  /// Changes every trained parameter by what was collected or, if nothing was, by the gradients of the program's last
  /// run.
  /// - Parameters:
  ///   - program: may be left out where gradients were collected.
  ///   - rate: the learning rate.
  ///   - largestNorm: the norm all gradients together are scaled down to where theirs is larger.
  ///   - observe: is shown each trained parameter that has a gradient: which it is, its values before the step, and
  ///     what the step went along, see ``UpdateRule/direction(_:from:gradient:state:count:step:scale:)``.
  /// - Returns: the norm of all gradients before clipping, where it was asked for.
  @discardableResult
  public func step(
    _ program: TrainingProgram?, rate: Double, largestNorm: Double? = nil, observing observe: Observer? = nil
  ) -> Double? {
    step += 1
    var scale = Float(1 / Double(max(1, collected)))
    var norm: Double?
    if let largestNorm {
      let found = self.norm(program) * Double(scale)
      norm = found
      if found > largestNorm { scale *= Float(largestNorm / (found + 1e-6)) }
    }
    for (index, parameter) in parameters.trained.enumerated() {
      withGradient(index, program) { start in
        let gradient = UnsafePointer(start)
        guard let observe else { return update(parameter, index, gradient, rate: rate, scale: scale) }
        let before = parameters.withValues(of: parameter) { FloatBuffer(copying: $0) }
        update(parameter, index, gradient, rate: rate, scale: scale)
        show(index, before, gradient, scale: scale, to: observe)
      }
    }
    discard()
    return norm
  }

  private func update(
    _ parameter: Parameter, _ index: Int, _ gradient: UnsafePointer<Float>, rate: Double, scale: Float
  ) {
    parameters.withValues(of: parameter) { values in
      guard let start = values.baseAddress else { return }
      nonisolated(unsafe) let (target, source) = (start, gradient)
      nonisolated(unsafe) let slots = state.map { $0[index].start }
      workers.forEachRange(of: values.count, grain: Self.grain) { range in
        rule.update(
          target + range.lowerBound, gradient: source + range.lowerBound, state: slots.map { $0 + range.lowerBound },
          count: range.count, step: step, rate: rate, scale: scale)
      }
    }
  }

  private func show(
    _ index: Int, _ before: FloatBuffer, _ gradient: UnsafePointer<Float>, scale: Float, to observe: Observer
  ) {
    let direction = FloatBuffer(count: before.count)
    nonisolated(unsafe) let (target, values, source) = (direction.start, before.start, gradient)
    nonisolated(unsafe) let slots = state.map { $0[index].start }
    workers.forEachRange(of: before.count, grain: Self.grain) { range in
      rule.direction(
        target + range.lowerBound, from: values + range.lowerBound, gradient: source + range.lowerBound,
        state: slots.map { $0 + range.lowerBound }, count: range.count, step: step, scale: scale)
    }
    withExtendedLifetime((before, direction)) {
      observe(index, UnsafePointer(before.start), UnsafePointer(direction.start))
    }
  }

  private func norm(_ program: TrainingProgram?) -> Double {
    var sum = 0.0
    for (index, parameter) in parameters.trained.enumerated() {
      withGradient(index, program) { sum += Updates.sumOfSquares($0, count: parameter.count) }
    }
    return sum.squareRoot()
  }

  /// What the next step goes by of a trained parameter, by its number, where the loss depends on it.
  public func withGradient(
    _ index: Int, _ program: TrainingProgram?, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    guard collected == 0 else { return body(sums[index].start) }
    program?.withGradient(of: parameters.trained[index]) { gradient in
      if let start = gradient.baseAddress { body(start) }
    }
  }

  // MARK: Saving

  /// The state as tensors, one a slot and parameter, in order.
  public func savedState() -> [Tensor] {
    state.flatMap { slot in
      zip(slot, parameters.trained).map { buffer, parameter in
        Tensor(dataType: .float, shape: parameter.shape, storage: .bytes(buffer.copied()))
      }
    }
  }

  /// How many tensors ``savedState()`` gives.
  var savedCount: Int { state.reduce(0) { $0 + $1.count } }

  /// Takes up a saved state.
  /// - Returns: whether it fits.
  @discardableResult
  public func restore(_ saved: [Tensor], step: Int) -> Bool {
    let buffers = state.flatMap { $0 }
    guard saved.count == buffers.count,
      zip(saved, buffers).allSatisfy({ $0.dataType == .float && $0.elementCount == $1.count })
    else { return false }
    for (tensor, buffer) in zip(saved, buffers) { buffer.take(tensor) }
    self.step = step
    return true
  }
}

/// Floats that stay where they are.
final class FloatBuffer {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  init(count: Int) {
    self.count = count
    start = UnsafeMutablePointer.allocate(capacity: max(1, count))
    clear()
  }

  init(copying values: UnsafeMutableBufferPointer<Float>) {
    count = values.count
    start = UnsafeMutablePointer.allocate(capacity: max(1, count))
    if let source = values.baseAddress { start.initialize(from: source, count: count) }
  }

  deinit { start.deallocate() }

  func clear() { start.initialize(repeating: 0, count: count) }

  func copied() -> ByteRegion { ByteRegion(copying: UnsafeRawBufferPointer(start: start, count: count * 4)) }

  func take(_ tensor: Tensor) {
    tensor.contiguousBytes()?.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, bytes.count == count * 4 else { return }
      UnsafeMutableRawPointer(start).copyMemory(from: base, byteCount: bytes.count)
    }
  }
}
