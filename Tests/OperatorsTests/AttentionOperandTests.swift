import IR
import Operators
import TestSupport
import Testing

/// Kernels of attentions read keys and values of every sample and head, so operands that lack some are refused.
@Suite("Operands of attention")
struct AttentionOperandTests {
  private func makeKernel(_ text: String) throws {
    let model = try GraphText.model("\(text)\nreturn y", opset: 23)
    let node = try #require(model.graph.nodes.last)
    func operand(_ value: ValueID?) -> KernelContext.Operand? {
      model.graph.initializers.first { $0.value == value }.map {
        KernelContext.Operand(declaredType: $0.tensor.dataType, type: $0.tensor.dataType, shape: $0.tensor.shape)
      }
    }
    let output = KernelContext.Operand(declaredType: .float, type: .float, shape: [2, 5, 8])
    let operation = try #require(OperatorRegistry.standard(OperatorName(node.opType, domain: node.canonicalDomain)))
    _ = try operation.makeKernel(
      KernelContext(node: node, opset: 23, inputs: node.inputs.map(operand), outputs: node.outputs.map { _ in output }))
  }

  private static let heads = "{ q_num_heads: 2, kv_num_heads: 2 }"
  private static let operands = "q[2, 5, 8], k[2, 5, 8], v[2, 5, 8]"
  private static let grouped = "{ num_heads: 2, kv_num_heads: 1 }"

  @Test(
    "operands that fit make a kernel",
    arguments: [
      "y = Attention(\(operands)) \(heads)", "y = Attention(\(operands), m[1, 2, 5, 5]) \(heads)",
      "y = Attention(q[2, 4, 5, 8], k[2, 2, 3, 8], v[2, 2, 3, 4])",
      "y = ms:MultiHeadAttention(\(operands)) { num_heads: 2 }",
      "y = ms:MultiHeadAttention(q[2, 5, 8], k[2, 3, 2, 2, 4]) { num_heads: 2 }",
      "y = ms:GroupQueryAttention(q[2, 1, 8], k[2, 1, 4], v[2, 1, 4], pk[2, 1, 3, 4], pv[2, 1, 3, 4], l<3, 3>, t<4>) \(grouped)",
    ])
  func fitting(_ text: String) throws { try makeKernel(text) }

  @Test(
    "batches, heads, positions and widths that differ are refused",
    arguments: [
      "y = Attention(q[2, 5, 8], k[1, 5, 8], v[1, 5, 8]) \(heads)",
      "y = Attention(q[2, 5, 8], k[2, 5, 8], v[1, 5, 8]) \(heads)",
      "y = Attention(q[1, 5, 8], k[2, 5, 8], v[2, 5, 8]) \(heads)",
      "y = Attention(q[2, 5, 8], k[2, 5, 8], v[2, 4, 8]) \(heads)",
      "y = Attention(q[2, 5, 8], k[2, 5, 4], v[2, 5, 8]) \(heads)",
      "y = Attention(q[2, 2, 5, 4], k[2, 2, 5, 4], v[2, 1, 5, 4])",
      "y = Attention(q[2, 3, 5, 4], k[2, 2, 5, 4], v[2, 2, 5, 4])",
      "y = Attention(\(operands), m[1, 2, 4, 5]) \(heads)", "y = Attention(\(operands), m[3, 1, 5, 5]) \(heads)",
      "y = Attention(\(operands), _, pk[1, 2, 3, 4], pv[1, 2, 3, 4]) \(heads)",
      "y = Attention(\(operands), _, pk[2, 2, 3, 4], pv[2, 2, 2, 4]) \(heads)",
      "y = Attention(\(operands), _, _, _, n<5>) \(heads)",
      "y = ms:MultiHeadAttention(q[2, 5, 8], k[1, 5, 8], v[1, 5, 8]) { num_heads: 2 }",
      "y = ms:MultiHeadAttention(q[2, 5, 8], k[2, 2, 5, 4], v[2, 1, 5, 4]) { num_heads: 2 }",
      "y = ms:MultiHeadAttention(q[2, 5, 8], k[2, 5], v[2, 5]) { num_heads: 2 }",
      "y = ms:MultiHeadAttention(q[2, 5, 8], k[2, 5, 1, 2, 4]) { num_heads: 2 }",
      "y = ms:MultiHeadAttention(\(operands), _, _, r[1, 2, 4, 5]) { num_heads: 2 }",
      "y = ms:Attention(x[2, 5, 8], w[8, 24], b[24], _, past[2, 1, 2, 3, 4]) { num_heads: 2 }",
      "y = ms:GroupQueryAttention(q[2, 1, 8], k[1, 1, 4], v[1, 1, 4], _, _, l<3, 3>, t<4>) \(grouped)",
      "y = ms:GroupQueryAttention(q[2, 1, 8], k[2, 1, 4], v[2, 1, 4], _, _, l<3>, t<4>) \(grouped)",
      "y = ms:GroupQueryAttention(q[2, 1, 8], k[2, 1, 4], v[2, 1, 4], pk[1, 1, 3, 4], pv[1, 1, 3, 4], l<3, 3>, t<4>) \(grouped)",
      "y = ms:RotaryEmbedding(x[2, 5, 8], p<0, 1, 2, 3, 4>, c[9, 4], s[9, 4])",
    ])
  func differing(_ text: String) throws {
    #expect { try makeKernel(text) } throws: { error in
      if case KernelError.invalid = error { true } else { false }
    }
  }
}
