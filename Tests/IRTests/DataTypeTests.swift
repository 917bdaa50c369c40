import IR
import Testing

@Suite struct DataTypeTests {
  @Test("packed types round up to whole bytes")
  func packed() {
    #expect(DataType.int4.byteCount(elements: 5) == 3)
    #expect(DataType.uint2.byteCount(elements: 5) == 2)
    #expect(DataType.float6E2M3.byteCount(elements: 5) == 4)
    #expect(DataType.int4.byteWidth == nil)
  }

  @Test("a size beyond what can be counted is no size", arguments: DataType.allCases)
  func overflow(type: DataType) {
    #expect(type.byteCount(elements: -1) == nil)
    if type.bitWidth != nil {
      #expect(type.byteCount(elements: .max) == nil)
      #expect(type.byteCount(elements: 0) == 0)
    } else {
      #expect(type == .string)
    }
  }
}
