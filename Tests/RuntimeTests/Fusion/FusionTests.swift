import IR
import Kernels
import TestSupport
import Testing

@testable import Runtime

/// What is fused, what is not, and that it computes what was written.
@Suite("Fusions")
struct FusionTests {
  static let linear = """
    t = Transpose(w[6, 4]) { perm: [1, 0] }
    p = MatMul(x[2, 3, 4], t)
    y = Add(b[6], p)
    return y
    """

  @Test("a linear layer is one product")
  func linearLayer() throws {
    #expect(try FusionCase(Self.linear).kinds(Fusion.differentiable) == ["MatrixMultiply"])
    try FusionCase(Self.linear).expectEqualResults()
  }

  @Test("a product that is an output itself stays")
  func outputStays() throws {
    let text = Self.linear.replacing("return y", with: "return p, y")
    #expect(try FusionCase(text).kinds(Fusion.differentiable) == ["MatrixMultiply", "Add"])
    try FusionCase(text).expectEqualResults()
  }

  @Test("results do not depend on the number of workers")
  func workers() throws {
    let model = try GraphText.model("a = MatMul(x[1, 300, 96], w[96, 130])\ny = Add(a, b[130])\nreturn y")
    let one = try Session(model, options: RuntimeOptions(workers: .one)).run([:])
    let several = try Session(model, options: RuntimeOptions(workers: Workers(count: 4))).run([:])
    #expect(one["y"]?.numbers == several["y"]?.numbers)
  }
}
