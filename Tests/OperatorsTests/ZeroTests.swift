import Analysis
import IR
import TestSupport
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

  /// Whether removing channels is exact where `operation` makes `r` of them and a sum over them is all that follows.
  private func isExactInSum(_ operation: String) throws -> Bool {
    try groups(
      """
      x: float[1, 3, 16, 16]
      a = Conv(x, w1[8, 3, 1, 1])
      \(operation)
      y = ReduceSum(r, axes<1>)
      return y
      """
    ).allSatisfy { !$0.contains("~") }
  }

  @Test("the first of equal zeros is at zero, the last is not", arguments: ["ArgMax", "ArgMin"])
  func positions(type: String) throws {
    #expect(try isExactInSum("m = \(type)(a) { axis: 3 }\nr = Cast(m) { to: 1 }"))
    #expect(try !isExactInSum("m = \(type)(a) { axis: 3, select_last_index: 1 }\nr = Cast(m) { to: 1 }"))
  }

  @Test("a scale that leaves the number of channels interpolates between them all the same", arguments: [1, 1.05])
  func resize(scale: Float) throws {
    var model = try GraphText.model(
      """
      x: float[1, 3, 4, 4]
      a = Conv(x, w1[16, 3, 1, 1])
      r = Resize(a, _, scales[4])
      y = Conv(r, w2[4, 16, 1, 1])
      return y
      """)
    let index = try #require(model.graph.initializers.firstIndex { model.name(of: $0.value) == "scales" })
    let bytes = [1, scale, 1, 1].withUnsafeBytes { ByteRegion(copying: $0) }
    model.graph.initializers[index].tensor.storage = .bytes(bytes)
    #expect(try ModelAnalysis(model).groups.isEmpty == (scale != 1))
  }
}
