import Testing

@testable import ONNXFile

private func roundTrip(_ message: [UInt8]) throws -> (result: [UInt8], payloads: [Range<Int>]) {
  try message.withUnsafeBytes { bytes in
    var payloads: [Range<Int>] = []
    let skeleton = try Skeleton(bytes, message: .model) { range in
      payloads.append(range)
      return UInt64(payloads.count - 1)
    }
    let result = try skeleton.bytes.withUnsafeBytes { small in
      let expansion = try Expansion(small, message: .model)
      var result: [UInt8] = []
      expansion.stream(message: .model) {
        result += $0
      } payload: {
        result += bytes[payloads[Int($0.payload)]]
      }
      #expect(result.count == expansion.byteCount)
      return result
    }
    return (result, payloads)
  }
}

@Suite struct SkeletonTests {
  @Test("payloads of any size leave and come back", arguments: [0, 1, 15, 16, 17, 127, 128, 20_000, 3_000_000])
  func payloads(size: Int) throws {
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let tensor = field(1, varint: 3) + field(9, payload)
    let graph = field(5, tensor) + field(1, field(5, field(5, tensor) + field(6, field(5, tensor))))
    let message = field(1, varint: 8) + field(7, graph) + field(99, "later")
    let (result, found) = try roundTrip(message)
    #expect(result == message)
    #expect(found.count == 3)
    #expect(found.allSatisfy { $0.count == size })
  }

  @Test("lengths and tags longer than they need be come out short")
  func overlong() throws {
    let tensor = [0xCA, 0x80, 0x00, 0x84, 0x00] as [UInt8] + [1, 2, 3, 4]
    let (result, payloads) = try roundTrip(field(7, field(5, tensor)))
    #expect(result == field(7, field(5, field(9, [1, 2, 3, 4]))))
    #expect(payloads.count == 1)
  }

  @Test(
    "what is no message is refused with its place",
    arguments: [
      [0x0F], [0x08], [0x08, 0x80], [0x3A, 0x05, 0x00], [0x00, 0x00], [0x3A, 0x02, 0x2A, 0x7F], [0x0B], [0x09, 1, 2],
      [0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [UInt8](repeating: 0xFF, count: 12),
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) {
    #expect(throws: WireError.self) { try roundTrip(bytes) }
  }

  @Test("nesting has an end")
  func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      var graph: [UInt8] = []
      for _ in 0..<depth { graph = field(1, field(5, field(6, graph))) }
      return field(7, graph)
    }
    #expect(throws: Never.self) { try roundTrip(nested(80)) }
    #expect(throws: WireError.self) { try roundTrip(nested(100)) }
  }
}
