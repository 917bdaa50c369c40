import IR
import Operators
import Testing

@testable import Runtime

@Suite("Fusing linear layers")
struct FuseLinearTests {
  private func expect(_ kinds: [String], _ text: String) throws {
    let model = try FusionCase(text)
    #expect(model.kinds() == kinds)
    try model.expectEqualResults()
  }

  @Test("a product of integers keeps its bias apart")
  func integers() throws {
    let operands = "a = Reshape(av<1, -2, 3, 4, 5, 6>, as<2, 3>)\nw = Reshape(wv<1, 2, 3, 4, 5, -6>, ws<3, 2>)\n"
    try expect(["Reshape", "Reshape", "MatMul", "Add"], operands + "p = MatMul(a, w)\ny = Add(p, b<10, 20>)\nreturn y")
    try expect(
      ["Reshape", "Transpose", "MatMul", "Add"],
      """
      a = Reshape(av<1, -2, 3, 4>, as<2, 2>)
      t = Transpose(a) { perm: [1, 0] }
      p = MatMul(a, t)
      y = Add(p, b<10, 20>)
      return y
      """)
  }

  @Test("the kernel of integers refuses a bias")
  func integerBias() {
    let (matrix, vector) = (
      KernelContext.Operand(declaredType: .int32, type: .int32, shape: [2, 2]),
      KernelContext.Operand(declaredType: .int32, type: .int32, shape: [2])
    )
    let node = Node(
      inputs: [ValueID(0), ValueID(1), ValueID(2)], outputs: [ValueID(3)], opType: "MatrixMultiply",
      domain: OperatorName.ownDomain)
    let context = KernelContext(node: node, opset: 1, inputs: [matrix, matrix, vector], outputs: [matrix])
    #expect(throws: KernelError.self) { _ = try MatrixMultiply().makeKernel(context) }
  }

  @Test("what is added but is no vector as wide as the product stays apart")
  func otherBiases() throws {
    try expect(["MatMul", "Add"], "p = MatMul(x[3, 4], w[4, 6])\ny = Add(p, b[1])\nreturn y")
    try expect(["MatMul", "Add"], "p = MatMul(x[3, 4], w[4, 6])\ny = Add(p, b[3, 1])\nreturn y")
  }

  @Test("a product that is read twice stays apart from its bias")
  func readTwice() throws {
    try expect(
      ["MatMul", "Add", "Mul"], "p = MatMul(x[3, 4], w[4, 6])\na = Add(p, b[6])\ny = Mul(a, p)\nreturn y")
  }

  @Test("a stack of weights that is turned stays turned")
  func turnedStack() throws {
    try expect(
      ["Transpose", "MatMul"],
      "t = Transpose(w[2, 6, 4]) { perm: [0, 2, 1] }\ny = MatMul(x[2, 3, 4], t)\nreturn y")
  }
}
