import Runtime

/// How far the outputs of two models are apart.
///
/// Differences are relative to the scale of an output: its largest magnitude, but no more than the largest of all the
/// original's outputs and no less than 0.01, because outputs near zero show only noise.
public struct OutputComparison: Sendable {
  public struct Output: Sendable {
    public let name: String
    /// Infinite where shapes, types or which elements are finite differ.
    public internal(set) var maxRelativeError = 0.0
    public internal(set) var maxAbsoluteError = 0.0
    public internal(set) var elementCount = 0
    /// Elements that are NaN in both, or the same infinity: equal, but nothing that says so.
    public internal(set) var notFiniteCount = 0
  }

  public private(set) var outputs: [Output]

  public var maxRelativeError: Double { outputs.map(\.maxRelativeError).max() ?? 0 }

  /// Elements of all outputs that were held against each other.
  public var elementCount: Int { outputs.reduce(0) { $0 + $1.elementCount } }

  /// Runs two models on the same inputs.
  /// - Parameters:
  ///   - expected: what the second is to equal.
  ///   - original: whose outputs give the scale; `expected` where it is left out.
  ///   - samples: inputs by name, one entry a run.
  public init(
    expected: Model, found: Model, original: Model? = nil, samples: some Collection<[String: Tensor]>
  ) throws(RuntimeError) {
    self.init(names: expected.graph.outputs.map { expected.name(of: $0.value) })
    let sessions = (try Session(expected), try Session(found))
    let scale = try original.map { model throws(RuntimeError) in try Session(model) }
    for sample in samples {
      let (first, second) = (try sessions.0.run(sample), try sessions.1.run(sample))
      add(expected: first, found: second, original: try scale?.run(sample) ?? first)
    }
  }

  init(names: [String]) { outputs = names.map { Output(name: $0) } }

  /// Adds what one run gave.
  mutating func add(expected: [String: Tensor], found: [String: Tensor], original: [String: Tensor]) {
    var magnitudes: [String: Double] = [:]
    for (name, tensor) in original { magnitudes[name] = Self.magnitude(tensor) }
    let largest = magnitudes.values.max() ?? 0
    for index in outputs.indices {
      let name = outputs[index].name
      guard let a = expected[name], let b = found[name], a.shape == b.shape, a.dataType == b.dataType else {
        outputs[index].maxRelativeError = .infinity
        outputs[index].maxAbsoluteError = .infinity
        continue
      }
      let (difference, notFiniteCount) = Self.difference(a, b)
      outputs[index].elementCount += a.elementCount
      outputs[index].notFiniteCount += notFiniteCount
      let scale = max(min(largest, max(magnitudes[name] ?? 0, Self.magnitude(a))), 0.01)
      outputs[index].maxAbsoluteError = max(outputs[index].maxAbsoluteError, difference)
      outputs[index].maxRelativeError = max(outputs[index].maxRelativeError, difference / scale)
    }
  }

  /// The largest finite magnitude of floating-point elements. Others count as they are, and give no scale.
  private static func magnitude(_ tensor: Tensor) -> Double {
    guard tensor.dataType.isFloatingPoint else { return 0 }
    return numbers(tensor).reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
  }

  private static func difference(_ a: Tensor, _ b: Tensor) -> (largest: Double, notFiniteCount: Int) {
    if case .strings(let x) = a.storage, case .strings(let y) = b.storage { return (x == y ? 0 : .infinity, 0) }
    var (largest, notFiniteCount) = (0.0, 0)
    for (x, y) in zip(numbers(a), numbers(b)) {
      if x == y || (x.isNaN && y.isNaN) {
        if !x.isFinite { notFiniteCount += 1 }
        continue
      }
      let difference = abs(x - y)
      largest = max(largest, difference.isFinite ? difference : .infinity)
    }
    return (largest, notFiniteCount)
  }

  /// Types that are no plain numbers count by their bytes.
  private static func numbers(_ tensor: Tensor) -> [Double] {
    tensor.doubles() ?? tensor.contiguousBytes()?.withUnsafeBytes { $0.map { Double($0) } } ?? []
  }
}
