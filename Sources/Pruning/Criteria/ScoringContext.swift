import Analysis
import Dimensions
import IR
import Kernels

/// What criteria share while a model is scored: each tensor is read once, whatever number of groups it is part of.
public struct ScoringContext: Sendable {
  public let analysis: ModelAnalysis
  public let seed: UInt64
  /// Tensors that hold numbers that are not finite.
  public private(set) var nonFiniteTensors: [String] = []
  private var cache: [Key: [[Double]]] = [:]

  private struct Key: Hashable {
    let weight: Int
    let isSquare: Bool
  }

  public init(analysis: ModelAnalysis, seed: UInt64) {
    self.analysis = analysis
    self.seed = seed
  }

  /// For each axis of a weight and each index along it, the sum of |x| or x² over the slice.
  public mutating func sliceSums(of weight: Int, _ power: SliceSums.Power) -> [[Double]] {
    let key = Key(weight: weight, isSquare: power == .square)
    if let known = cache[key] { return known }
    let tensor = analysis.weights[weight].tensor
    let sums = tensor.withFloats { SliceSums.sums(of: $0, shape: tensor.shape, power: power) }
    let result = sums ?? tensor.shape.map { [Double](repeating: 0, count: $0) }
    if result.contains(where: { $0.contains { !$0.isFinite } }) {
      nonFiniteTensors.append(analysis.weights[weight].name)
    }
    cache[key] = result
    return result
  }
}

extension Tensor {
  /// The bytes of the elements as single-precision numbers; `nil` for types that are no numbers of that kind.
  func withFloats<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
    guard let region = contiguousBytes() else { return nil }
    return region.withUnsafeBytes { bytes -> Result? in
      if dataType == .float { return body(bytes) }
      let count = elementCount
      var floats = [Float](repeating: 0, count: count)
      switch dataType {
      case .double:
        for index in 0..<count {
          floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 8, as: Double.self))
        }
      case .float16:
        for index in 0..<count {
          floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index * 2, as: Float16.self))
        }
      case .bfloat16:
        for index in 0..<count {
          let half = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
          floats[index] = Float(bitPattern: UInt32(half) << 16)
        }
      case .int8: for index in 0..<count { floats[index] = Float(Int8(bitPattern: bytes[index])) }
      case .uint8: for index in 0..<count { floats[index] = Float(bytes[index]) - 128 }
      default: return nil
      }
      return floats.withUnsafeBytes(body)
    }
  }
}
