import IR
import Testing

/// Elements as numbers, and in other types.
@Suite("Tensor numbers")
struct TensorNumbersTests {
  private func tensor<Number: BitwiseCopyable>(_ numbers: [Number], _ type: DataType) -> Tensor {
    Tensor(
      name: "t", dataType: type, shape: [numbers.count],
      storage: .bytes(numbers.withUnsafeBytes { ByteRegion(copying: $0) }))
  }

  @Test("every numeric type is read as floating point")
  func reals() {
    let tensors = [
      tensor([1, 2] as [Float], .float), tensor([1, 2] as [Double], .double), tensor([1, 2] as [Float16], .float16),
      tensor([0x3f80, 0x4000] as [UInt16], .bfloat16), tensor([1, 2] as [Int64], .int64),
      tensor([1, 2] as [UInt64], .uint64), tensor([1, 2] as [Int32], .int32), tensor([1, 2] as [UInt8], .uint8),
      tensor([1, 2] as [Int8], .int8),
    ]
    for tensor in tensors {
      #expect(tensor.floats() == [1, 2], "\(tensor.dataType)")
      #expect(tensor.doubles() == [1, 2], "\(tensor.dataType)")
    }
    #expect(Tensor(dataType: .string, shape: [1], storage: .strings([[65]])).floats() == nil)
  }

  @Test("single precision is read in place where it lies aligned, and from a copy elsewhere", arguments: [0, 1, 2, 4])
  func places(offset: Int) {
    let numbers: [Float] = [1, -2, 3]
    let bytes = [UInt8](repeating: 0, count: offset) + numbers.withUnsafeBytes { Array($0) }
    let owner = ByteRegion(copying: bytes).owner
    let region = ByteRegion(owner: owner, offset: offset, count: 12)
    let place = owner.bytes.baseAddress.map { $0 + offset }
    let found = Tensor(dataType: .float, shape: [3], storage: .bytes(region)).withFloats { start in
      (numbers: (0..<3).map { start[$0] }, isInPlace: UnsafeRawPointer(start) == place)
    }
    #expect(found?.numbers == numbers)
    #expect(found?.isInPlace == (offset % 4 == 0))
  }

  @Test("other numbers are read in single precision from a copy")
  func copies() {
    for tensor in [tensor([1, 2] as [Float16], .float16), tensor([1, 2] as [Int64], .int64)] {
      #expect(tensor.withFloats { start in [start[0], start[1]] } == [1, 2], "\(tensor.dataType)")
    }
    let text = Tensor(dataType: .string, shape: [1], storage: .strings([[65]]))
    #expect(text.withFloats { start in start[0] } == nil)
  }

  @Test("what would lose numbers is no conversion")
  func conversions() {
    #expect(tensor([1, 2] as [Float], .float).converted(to: .int64) == nil)
    #expect(tensor([1, 1 << 40] as [Int64], .int64).converted(to: .int32) == nil)
    #expect(tensor([1, .max] as [UInt64], .uint64).converted(to: .int64) == nil)
    let narrow = tensor([1, -2] as [Int64], .int64).converted(to: .int32)
    #expect(narrow?.dataType == .int32)
    #expect(narrow?.integers() == [1, -2])
    #expect(narrow?.name == "t")
    #expect(tensor([1, 2] as [UInt8], .uint8).converted(to: .float)?.floats() == [1, 2])
  }
}
