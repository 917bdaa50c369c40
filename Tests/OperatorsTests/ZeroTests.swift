import Testing

/// What operators make of channels that are zero.
@Suite("Zeros")
struct ZeroTests {
  /// Whether removing channels between two convolutions is exact, with `operation` on them and a mean over them behind.
  private func isExact(_ operation: String) throws -> Bool? {
    let found = try groups(
      """
      x: float[1, 3, 16, 16]
      a = Conv(x, w1[8, 3, 1, 1])
      \(operation)
      y = Conv(r, w2[4, 8, 1, 1])
      return y
      """)
    guard found.count == 1 else { return nil }
    return !found[0].contains("~")
  }

  @Test("what divides cannot be zeroed", arguments: ["r = Div(a, v[8, 1, 1])"])
  func division(operation: String) throws { #expect(try isExact(operation) == false) }

  @Test("the logarithm and the reciprocal of zero are infinite", arguments: ["r = Log(a)", "r = Reciprocal(a)"])
  func infinite(operation: String) throws { #expect(try isExact(operation) == false) }

  @Test("a deviation of nothing but zeros divides by zero")
  func normalization() throws { #expect(try isExact("r = MeanVarianceNormalization(a)") == false) }

  @Test("what keeps zero is exact", arguments: ["r = Relu(a)", "r = Mul(a, v[8, 1, 1])", "r = Sqrt(a)"])
  func keeping(operation: String) throws { #expect(try isExact(operation) == true) }
}
