import IR
import Operators
import Testing

/// Kernels read whole operands without asking how large they are, so those of other sizes or types are refused first.
@Suite("Operands that do not fit are refused")
struct RefusedModelsTests {
  struct Shaped: Sendable {
    let type: DataType
    let shape: [Int]

    var operand: KernelContext.Operand { KernelContext.Operand(declaredType: type, type: type, shape: shape) }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let inputs: [Shaped?]
    let output: Shaped
    let attributes: [String: Int64]

    init(_ name: String, _ inputs: [Shaped?], to output: Shaped, _ attributes: [String: Int64] = [:]) {
      (self.name, self.inputs, self.output, self.attributes) = (name, inputs, output, attributes)
    }

    var testDescription: String {
      "\(name) \(inputs.map { $0.map { "\($0.type) \($0.shape)" } ?? "_" }) \(attributes)"
    }
  }

  private static func f(_ shape: Int...) -> Shaped { Shaped(type: .float, shape: shape) }
  private static func u8(_ shape: Int...) -> Shaped { Shaped(type: .uint8, shape: shape) }
  private static func i32(_ shape: Int...) -> Shaped { Shaped(type: .int32, shape: shape) }
  private static func i64(_ shape: Int...) -> Shaped { Shaped(type: .int64, shape: shape) }

  private func makeKernel(_ example: Case) throws {
    let isContrib = example.name.hasPrefix("ms:")
    let type = isContrib ? String(example.name.dropFirst(3)) : example.name
    let ids = example.inputs.indices.map { example.inputs[$0] == nil ? nil : ValueID($0) }
    var node = Node(
      inputs: ids, outputs: [ValueID(ids.count)], opType: type, domain: isContrib ? "com.microsoft" : nil)
    for (name, value) in example.attributes { node.setAttribute(name, .int(value)) }
    let operation = try #require(OperatorRegistry.standard(OperatorName(type, domain: node.canonicalDomain)))
    _ = try operation.makeKernel(
      KernelContext(
        node: node, opset: 23, inputs: example.inputs.map { $0?.operand }, outputs: [example.output.operand]))
  }

  private static func convolution(scales: Shaped, zeros: Shaped, bias: Shaped) -> Case {
    Case(
      "QLinearConv", [u8(1, 3, 4, 4), f(), u8(), u8(5, 3, 1, 1), scales, zeros, f(), u8(), bias], to: u8(1, 5, 4, 4))
  }

  private static func matrix(_ weight: Shaped, _ scales: Shaped, zeros: Shaped? = nil) -> Case {
    Case("ms:MatMulNBits", [f(2, 64), weight, scales, zeros], to: f(2, 8), ["K": 64, "N": 8, "block_size": 16])
  }

  private static func experts(router: Shaped) -> Case {
    Case("ms:MoE", [f(6, 8), router, f(2, 4, 8), nil, f(2, 8, 4)], to: f(6, 8))
  }

  private static func embedding(_ scale: Shaped?, positions: Shaped? = nil) -> Case {
    Case(
      "ms:EmbedLayerNormalization", [i32(2, 3), nil, f(9, 4), f(3, 4), nil, scale, f(4), nil, positions],
      to: f(2, 3, 4))
  }

  private static let groups: [String: Int64] = ["groups": 2]
  private static let heads: [String: Int64] = ["num_heads": 2]

  static let fitting: [Case] = [
    Case("QuantizeLinear", [f(2, 8), f(2, 1), u8(2, 1)], to: u8(2, 8), ["block_size": .max]),
    Case("MatMulInteger", [u8(2, 3), u8(3, 4), u8(2), u8(4)], to: i32(2, 4)),
    convolution(scales: f(5), zeros: u8(1), bias: i32(5)),
    matrix(u8(8, 4, 8), f(32), zeros: u8(16)), experts(router: f(6, 2)), embedding(f(4), positions: i32(1, 3)),
    Case("ms:SkipLayerNormalization", [f(2, 6), f(2, 6), f(6), f(6)], to: f(2, 6)),
    Case("ms:FusedGemm", [f(3, 2), f(2, 4), f(3, 1)], to: f(3, 4)),
    Case("ms:GroupNorm", [f(1, 2, 2, 4), f(4), f(4)], to: f(1, 2, 2, 4), groups),
    Case("ms:MultiHeadAttention", [f(2, 5, 8), f(2, 5, 8), f(2, 5, 8), nil, i32(2, 5)], to: f(2, 5, 8), heads),
    Case("GRU", [f(4, 1, 2), f(1, 9, 2), f(1, 9, 3)], to: f(4, 1, 1, 3)),
  ]

  static let quantized: [Case] = [
    Case("QuantizeLinear", [f(2, 8), f(), u8(0)], to: u8(2, 8)),
    Case("QuantizeLinear", [f(2, 8), f(), i32()], to: u8(2, 8)),
    Case("DequantizeLinear", [u8(2, 8), f(), u8(0)], to: f(2, 8)),
    Case("MatMulInteger", [u8(2, 3), u8(3, 4), u8(0)], to: i32(2, 4)),
    Case("MatMulInteger", [u8(2, 3), u8(3, 4), i32()], to: i32(2, 4)),
    Case("MatMulInteger", [u8(2, 3), u8(3, 4), u8(), u8(3)], to: i32(2, 4)),
    Case("ConvInteger", [u8(1, 3, 4, 4), u8(5, 3, 1, 1), u8(), u8(0)], to: i32(1, 5, 4, 4)),
    convolution(scales: f(3), zeros: u8(1), bias: i32(5)), convolution(scales: f(5), zeros: u8(0), bias: i32(5)),
    convolution(scales: f(5), zeros: i32(5), bias: i32(5)), convolution(scales: f(5), zeros: u8(5), bias: i32(1)),
    Case("ms:MatMulIntegerToFloat", [u8(2, 3), u8(3, 4), f(), f(4), nil, nil, f(1)], to: f(2, 4)),
    Case("ms:DynamicQuantizeMatMul", [f(2, 3), u8(3, 4), f(3)], to: f(2, 4)),
    matrix(u8(8, 3, 8), f(32)), matrix(u8(8, 4, 8), f(31)), matrix(u8(8, 4, 8), f(32), zeros: u8(15)),
    Case("ms:QLinearAdd", [u8(2, 8), f(), u8(0), u8(8), f(), u8(), f(), u8()], to: u8(2, 8)),
  ]

  static let contrib: [Case] = [
    Case("ms:FusedGemm", [f(3, 2), f(2, 4), f(1, 1, 4)], to: f(3, 4)),
    Case("ms:FusedGemm", [f(3, 2), f(2, 4), f(2, 4)], to: f(3, 4)), experts(router: f(1, 2)),
    Case("ms:GroupNorm", [f(1, 2, 2, 4), f(1), f(4)], to: f(1, 2, 2, 4), groups),
    Case("ms:SkipGroupNorm", [f(1, 2, 2, 4), f(4), f(4), f(1, 1, 2, 2, 4)], to: f(1, 2, 2, 4), groups),
    Case("ms:SkipLayerNormalization", [f(2, 6), f(2, 6), f(1)], to: f(2, 6)),
    Case("ms:SkipLayerNormalization", [f(2, 6), f(2, 6), f(6), f(6), f(1)], to: f(2, 6)), embedding(nil),
    embedding(f(1)), embedding(f(4), positions: i32(2)),
    Case("LSTM", [f(4, 1, 2), nil, f(1, 12, 3)], to: f(4, 1, 1, 3)),
    Case("RNN", [f(4, 1, 2), nil, f(1, 3, 3)], to: f(4, 1, 1, 3)),
  ]

  static let attention: [Case] = [
    Case("ms:MultiHeadAttention", [f(2, 5, 8), f(2, 5, 8), f(2, 5, 8), nil, u8(2, 5)], to: f(2, 5, 8), heads),
    Case(
      "ms:MultiHeadAttention", [f(2, 5, 8), f(2, 5, 8), f(2, 5, 8), nil, nil, f(1, 2, 5, 4)], to: f(2, 5, 8), heads),
    Case("ms:Attention", [f(2, 5, 8), f(6, 24), f(24)], to: f(2, 5, 8), heads),
    Case("ms:Attention", [f(2, 5, 8), f(8, 24), f(8)], to: f(2, 5, 8), heads),
    Case("Attention", [f(1, 2, 5, 4), f(1, 2, 5, 4), f(1, 2, 5, 4), f(2, 3)], to: f(1, 2, 5, 4)),
    Case("Attention", [f(1, 2, 5, 4), f(1, 2, 5, 4), f(1, 2, 5, 4), u8(5, 5)], to: f(1, 2, 5, 4)),
    Case("ms:RotaryEmbedding", [f(1, 2, 3, 4), i64(1), f(5, 2), f(2, 2)], to: f(1, 2, 3, 4)),
    Case("ms:RotaryEmbedding", [f(1, 2, 3, 4), u8(1), f(5, 2), f(5, 2)], to: f(1, 2, 3, 4)),
  ]

  @Test("operands that fit make a kernel", arguments: fitting)
  func fits(_ example: Case) throws { try makeKernel(example) }

  @Test("others do not", arguments: quantized + contrib + attention)
  func refused(_ example: Case) throws {
    #expect {
      try makeKernel(example)
    } throws: { error in
      if case KernelError.invalid = error { true } else { false }
    }
  }
}
