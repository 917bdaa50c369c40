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
    bounds = models.map(\.lookedUpRows).reduce(into: [:]) { $0.merge($1, uniquingKeysWith: min) }
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
    func fill<Number: BitwiseCopyable>(_ number: (inout SplitMix64) -> Number) -> ByteRegion {
      let width = MemoryLayout<Number>.size
      return ByteRegion(count: count * width) { memory in
        for index in 0..<count {
          memory.storeBytes(of: number(&random), toByteOffset: index * width, as: Number.self)
        }
      }
    }
    func integers<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type) -> ByteRegion {
      fill { isMask ? 1 : Number(truncatingIfNeeded: $0.next() % bound) }
    }
    func reals<Number: BinaryFloatingPoint & BitwiseCopyable>(_: Number.Type) -> ByteRegion {
      fill { isMask ? 1 : Number($0.normal()) }
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
      region = fill { UInt16(Float(isMask ? 1 : $0.normal()).bitPattern >> 16) }
    default:
      // Zeros of whatever width.
      region = ByteRegion(copying: [UInt8](repeating: 0, count: input.type.byteCount(elements: count) ?? 0))
    }
    return Tensor(name: input.name, dataType: input.type, shape: input.shape, storage: .bytes(region))
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
