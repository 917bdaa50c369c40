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
  }

  public private(set) var outputs: [Output]

  public var maxRelativeError: Double { outputs.map(\.maxRelativeError).max() ?? 0 }

  /// Runs two models on the same inputs.
  /// - Parameters:
  ///   - expected: what the second is to equal.
  ///   - original: whose outputs give the scale; `expected` where it is left out.
  ///   - samples: inputs by name, one entry a run.
  public init(
    expected: Model, found: Model, original: Model? = nil, samples: [[String: Tensor]]
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
      let difference = Self.difference(a, b)
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

  private static func difference(_ a: Tensor, _ b: Tensor) -> Double {
    if case .strings(let x) = a.storage, case .strings(let y) = b.storage { return x == y ? 0 : .infinity }
    var largest = 0.0
    for (x, y) in zip(numbers(a), numbers(b)) where x != y && !(x.isNaN && y.isNaN) {
      let difference = abs(x - y)
      largest = max(largest, difference.isFinite ? difference : .infinity)
    }
    return largest
  }

  private static func numbers(_ tensor: Tensor) -> [Double] {
    guard let region = tensor.contiguousBytes() else { return [] }
    return region.withUnsafeBytes { bytes in
      func read<Number: BitwiseCopyable>(_: Number.Type, _ widen: (Number) -> Double) -> [Double] {
        let width = MemoryLayout<Number>.size
        return (0..<bytes.count / width).map {
          widen(bytes.loadUnaligned(fromByteOffset: $0 * width, as: Number.self))
        }
      }
      return switch tensor.dataType {
      case .float: read(Float.self) { Double($0) }
      case .double: read(Double.self) { $0 }
      case .float16: read(Float16.self) { Double($0) }
      case .bfloat16: read(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) }
      case .int64: read(Int64.self) { Double($0) }
      case .uint64: read(UInt64.self) { Double($0) }
      case .int32: read(Int32.self) { Double($0) }
      case .uint32: read(UInt32.self) { Double($0) }
      case .int16: read(Int16.self) { Double($0) }
      case .uint16: read(UInt16.self) { Double($0) }
      case .int8: read(Int8.self) { Double($0) }
      default: read(UInt8.self) { Double($0) }
      }
    }
  }
}
