import IR
import Testing

@testable import Pruning

/// The numbers that criteria see of a weight.
@Suite("Numbers of weights")
struct TensorWeightsTests {
  private func weights<Number: BitwiseCopyable>(_ numbers: [Number], _ type: DataType) -> [Float]? {
    let region = numbers.withUnsafeBytes { ByteRegion(copying: $0) }
    let tensor = Tensor(dataType: type, shape: [numbers.count], storage: .bytes(region))
    return tensor.withWeights { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test("floating-point numbers and signed ones of 8 bits count as they are")
  func asTheyAre() {
    #expect(weights([1, -2] as [Float], .float) == [1, -2])
    #expect(weights([1, -2] as [Double], .double) == [1, -2])
    #expect(weights([1, -2] as [Float16], .float16) == [1, -2])
    #expect(weights([0x3f80, 0xc000] as [UInt16], .bfloat16) == [1, -2])
    #expect(weights([1, -128] as [Int8], .int8) == [1, -128])
  }

  @Test("unsigned numbers of 8 bits count by how far they are from the middle")
  func unsigned() { #expect(weights([0, 128, 255] as [UInt8], .uint8) == [-128, 0, 127]) }

  @Test("other integers are no weights")
  func integers() {
    #expect(weights([1, -2] as [Int32], .int32) == nil)
    #expect(weights([1, -2] as [Int64], .int64) == nil)
  }
}
