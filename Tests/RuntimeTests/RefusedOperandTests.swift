import IR
import TestSupport
import Testing

@testable import Runtime

/// Kernels read all operands as one type and within one shape: what does not go together is refused.
@Suite("Operands that do not go together")
struct RefusedOperandTests {
  private static let kinds = """
    x: int64[4]
    f = Cast(x) { to: 1 }
    d = Cast(x) { to: 11 }
    b = Cast(x) { to: 9 }

    """

  /// `x` is int64, `f` float, `d` double, `b` bool.
  private func run(_ text: String) throws {
    let model = try GraphText.model("\(Self.kinds)\(text)\nreturn y", opset: 18)
    _ = try Session(model, options: RuntimeOptions(workers: .one)).run(["x": Tensor(ints: [3, 0, 3, 1], .int64)])
  }

  @Test(
    "types",
    arguments: [
      "y = Add(d, f)", "y = Add(f, x)", "y = Max(f, f, d)", "y = Less(f, d)", "y = MatMul(d, f)", "y = And(x, x)",
      "y = Xor(b, x)", "y = Not(x)", "y = Where(b, d, f)", "y = Where(x, f, f)", "y = Concat(d, f) { axis: 0 }",
      "v = Squeeze(w[1])\ny = Pad(d, p<1, 1>, v)", "y = Pad(f, p<1, 1>, w[0])",
    ])
  func types(_ text: String) throws { #expect(throws: (any Error).self) { try run(text) } }

  @Test(
    "labels and weights of likelihoods",
    arguments: ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"],
    [
      "s[3, 4], l<1>", "s[3, 4], l<1, 2, 3>, w[2]", "s[3, 4], l<1, 2, 4>", "s[3, 4], u", "s[3], l<1>",
    ])
  func likelihoods(_ type: String, _ operands: String) throws {
    #expect(throws: (any Error).self) { try run("u = Cast(n<-1, 0, 1>) { to: 13 }\ny = \(type)(\(operands))") }
  }

  @Test(
    "what goes together runs",
    arguments: [
      "y = Pow(d, f)", "y = CastLike(d, f)", "y = And(b, b)", "y = Where(b, d, d)", "y = Pad(f, p<1, 1>, w[1])",
      "y = NegativeLogLikelihoodLoss(s[3, 4], l<1, 2, 3>, w[4])", "y = SoftmaxCrossEntropyLoss(s[3, 4], l<1, 2, 3>)",
    ])
  func fitting(_ text: String) throws { try run(text) }
}
