import Glibc

/// Inputs drawn from a seed, each of a kind the model can work with: normal numbers, indices inside of the tables they
/// look up, masks of ones.
public struct RandomInputs: Sendable {
  private let sizes: InputSizes
  private let seed: UInt64
  /// By input name: indices stay below.
  private let bounds: [String: Int]

  /// - Parameter models: those that are to run on them.
  public init(for models: [Model], sizes: InputSizes, seed: UInt64 = 0) {
    self.sizes = sizes
    self.seed = seed
    bounds = models.map { Self.indexBounds($0) }.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: min) }
  }

  /// The inputs of one run; the same for the same number.
  public func sample(_ number: Int) -> [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for input in sizes.inputs {
      // Each input has numbers of its own, whatever others there are.
      var random = SplitMix64(
        seed: input.name.utf8.reduce(seed &+ UInt64(number) << 32) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
      tensors[input.name] = tensor(input, &random)
    }
    return tensors
  }

  private func tensor(_ input: InputSizes.Input, _ random: inout SplitMix64) -> Tensor {
    let count = input.shape.reduce(1, *)
    let isMask = input.type == .bool || input.name.lowercased().contains("mask")
    let bound = UInt64(max(1, bounds[input.name] ?? 2))
    func integers<Number: FixedWidthInteger>(_: Number.Type) -> ByteRegion {
      let numbers = (0..<count).map { _ in isMask ? Number(1) : Number(truncatingIfNeeded: random.next() % bound) }
      return numbers.withUnsafeBytes { ByteRegion(copying: $0) }
    }
    func reals<Number: BinaryFloatingPoint>(_: Number.Type) -> ByteRegion {
      let numbers = (0..<count).map { _ in isMask ? Number(1) : Number(random.normal()) }
      return numbers.withUnsafeBytes { ByteRegion(copying: $0) }
    }
    let region: ByteRegion
    switch input.type {
    case .double: region = reals(Double.self)
    case .float: region = reals(Float.self)
    case .float16: region = reals(Float16.self)
    case .int64, .uint64: region = integers(Int64.self)
    case .int32, .uint32: region = integers(Int32.self)
    case .int16, .uint16: region = integers(Int16.self)
    case .int8, .uint8, .bool: region = integers(Int8.self)
    case .bfloat16:
      let halves = (0..<count).map { _ in UInt16(Float(isMask ? 1 : random.normal()).bitPattern >> 16) }
      region = halves.withUnsafeBytes { ByteRegion(copying: $0) }
    default:
      // Zeros of whatever width.
      region = ByteRegion(copying: [UInt8](repeating: 0, count: input.type.byteCount(elements: count) ?? 0))
    }
    return Tensor(name: input.name, dataType: input.type, shape: input.shape, storage: .bytes(region))
  }

  /// How many entries the tables have that inputs are indices into.
  private static func indexBounds(_ model: Model) -> [String: Int] {
    let tables = Dictionary(model.graph.initializers.map { ($0.value, $0.tensor.shape) }) { first, _ in first }
    // From a value to the input it is, through what only changes type and shape.
    var sources = Dictionary(model.graph.inputs.map { ($0.value, $0.value) }) { first, _ in first }
    var bounds: [String: Int] = [:]
    func limit(_ index: ValueID?, _ table: ValueID?, _ axis: Int) {
      guard let index, let source = sources[index], let shape = table.flatMap({ tables[$0] }) else { return }
      let place = axis < 0 ? axis + shape.count : axis
      guard shape.indices.contains(place) else { return }
      bounds[model.name(of: source)] = min(bounds[model.name(of: source)] ?? .max, shape[place])
    }
    let order = (try? model.graph.topologicalOrder()) ?? Array(model.graph.nodes.indices)
    for node in order.map({ model.graph.nodes[$0] }) {
      switch node.opType {
      case "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose":
        if let input = node.input(0), let source = sources[input], let output = node.output(0) {
          sources[output] = source
        }
      case "Gather": limit(node.input(1), node.input(0), Int(node.int("axis", default: 0)))
      case "EmbedLayerNormalization":
        limit(node.input(0), node.input(2), 0)
        limit(node.input(1), node.input(4), 0)
      default: continue
      }
    }
    return bounds
  }
}

/// A small generator whose numbers are the same everywhere (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Box and Muller's transform of two uniform numbers.
  mutating func normal() -> Double {
    let (first, second) = (Double(next() >> 11) * 0x1p-53, Double(next() >> 11) * 0x1p-53)
    return sqrt(-2 * log(1 - first)) * cos(2 * .pi * second)
  }
}
