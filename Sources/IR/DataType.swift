/// The element types of ONNX tensors, with the numbers of `TensorProto.DataType`.
public enum DataType: Int32, Sendable, CaseIterable {
  case float = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case double = 11
  case uint32 = 12
  case uint64 = 13
  case complex64 = 14
  case complex128 = 15
  case bfloat16 = 16
  case float8E4M3FN = 17
  case float8E4M3FNUZ = 18
  case float8E5M2 = 19
  case float8E5M2FNUZ = 20
  case uint4 = 21
  case int4 = 22
  case float4E2M1 = 23
  case float8E8M0 = 24
  case uint2 = 25
  case int2 = 26
  case float6E2M3 = 27
  case float6E3M2 = 28

  /// Bits one element takes in `raw_data`; `nil` for strings, which have no raw form.
  public var bitWidth: Int? {
    switch self {
    case .string: nil
    case .uint2, .int2: 2
    case .uint4, .int4, .float4E2M1: 4
    case .float6E2M3, .float6E3M2: 6
    case .uint8, .int8, .bool, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0: 8
    case .uint16, .int16, .float16, .bfloat16: 16
    case .float, .int32, .uint32: 32
    case .double, .int64, .uint64, .complex64: 64
    case .complex128: 128
    }
  }

  /// Whole bytes of one element; `nil` where several elements share a byte, and for strings.
  public var byteWidth: Int? {
    guard let bitWidth, bitWidth >= 8 else { return nil }
    return bitWidth / 8
  }

  /// Types whose numbers are weights or activations; the others count, index or select.
  public var isFloatingPoint: Bool {
    switch self {
    case .float, .float16, .double, .bfloat16, .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ,
      .float4E2M1, .float6E2M3, .float6E3M2, .float8E8M0, .complex64, .complex128:
      true
    default: false
    }
  }

  /// Integer types that hold quantized weights. `int32` is one only as the bias of a quantized operator.
  public var isQuantized: Bool {
    switch self {
    case .uint8, .int8, .uint4, .int4, .uint2, .int2: true
    default: false
    }
  }

  /// Bytes that `count` elements take in `raw_data`, or `nil` for strings and on overflow.
  public func byteCount(elements count: Int) -> Int? {
    guard let bitWidth, count >= 0 else { return nil }
    let (bits, overflow) = count.multipliedReportingOverflow(by: bitWidth)
    guard !overflow, bits <= Int.max - 7 else { return nil }
    return (bits + 7) / 8
  }
}
