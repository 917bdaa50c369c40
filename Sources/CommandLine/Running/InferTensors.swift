import ArgumentParser
import Coppice
import IR
import Kernels
import Runtime

/// How models are run.
struct RuntimeArguments: ParsableArguments {
  @Option(help: "Threads; as many as there are processors by default.") var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  var options: RuntimeOptions { RuntimeOptions(workers: threads.map { Workers(count: $0) } ?? .all) }
}

extension Tensor {
  /// The same numbers in a type a model takes, from the types NumPy has by default.
  /// - Returns: `nil` where they are of another family.
  func fitted(to type: DataType) -> Tensor? {
    switch (dataType, type) {
    case (.double, .float): mapped(type) { (value: Double) in Float(value) }
    case (.float, .double): mapped(type) { (value: Float) in Double(value) }
    case (.int64, .int32): mapped(type) { (value: Int64) in Int32(truncatingIfNeeded: value) }
    case (.int32, .int64): mapped(type) { (value: Int32) in Int64(value) }
    case (.uint8, .int64): mapped(type) { (value: UInt8) in Int64(value) }
    case (.uint8, .float): mapped(type) { (value: UInt8) in Float(value) }
    default: nil
    }
  }

  private func mapped<A: BitwiseCopyable, B: BitwiseCopyable>(_ type: DataType, _ convert: (A) -> B) -> Tensor? {
    guard let region = contiguousBytes() else { return nil }
    let count = elementCount
    let converted = ByteRegion(count: count * MemoryLayout<B>.size) { target in
      region.withUnsafeBytes { source in
        for index in 0..<count {
          let value = source.loadUnaligned(fromByteOffset: index * MemoryLayout<A>.size, as: A.self)
          target.storeBytes(of: convert(value), toByteOffset: index * MemoryLayout<B>.size, as: B.self)
        }
      }
    }
    return Tensor(name: name, dataType: type, shape: shape, storage: .bytes(converted))
  }

  /// A range of the first axis.
  func samples(_ range: Range<Int>) -> Tensor {
    guard let region = contiguousBytes(), let count = shape.first, count > 0, region.count % count == 0 else {
      return self
    }
    let width = region.count / count
    let part = ByteRegion(
      owner: region.owner, offset: region.offset + range.lowerBound * width, count: range.count * width)
    return Tensor(name: name, dataType: dataType, shape: [range.count] + shape.dropFirst(), storage: .bytes(part))
  }

  /// Outputs of several runs, one after the other along the first axis; of outputs without axes, those of the last run.
  static func joined(_ parts: [[String: Tensor]]) -> [String: Tensor] {
    guard var result = parts.last else { return [:] }
    for (name, last) in result where !last.shape.isEmpty {
      let tensors = parts.compactMap { $0[name] }
      let regions = tensors.compactMap { $0.contiguousBytes() }
      let region = ByteRegion(count: regions.reduce(0) { $0 + $1.count }) { target in
        var offset = 0
        for region in regions {
          region.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: $0) }
          offset += region.count
        }
      }
      let count = tensors.reduce(0) { $0 + ($1.shape.first ?? 0) }
      result[name] = Tensor(
        name: name, dataType: last.dataType, shape: [count] + last.shape.dropFirst(), storage: .bytes(region))
    }
    return result
  }
}
