import Testing

@testable import Runtime

@Suite("Fusing layer normalization")
struct FuseLayerNormalizationTests {
  private static let numbers: [String: Float] = ["epsilon": 1e-5, "two": 2]

  private static func text(
    axis: Int = -1, varianceAxis: Int = -1, square: String = "Pow(c, two[])", epsilon: String = "epsilon[]",
    end: String = "w = Mul(n, scale[6])\ny = Add(w, shift[6])", returning: String = "y"
  ) -> String {
    """
    x: float[4, 3, 6]
    m = ReduceMean(x) { axes: [\(axis)] }
    c = Sub(x, m)
    q = \(square)
    v = ReduceMean(q) { axes: [\(varianceAxis)] }
    a = Add(v, \(epsilon))
    r = Sqrt(a)
    n = Div(c, r)
    \(end)
    return \(returning)
    """
  }

  @Test(
    "its spellings are one node",
    arguments: [
      text(), text(square: "Mul(c, c)"), text(epsilon: "!epsilon[1]"),
      text(end: "w = Mul(scale[6], n)\ny = Add(shift[6], w)"),
    ])
  func fuses(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers)
    #expect(model.kinds() == ["LayerNormalization"])
    try model.expectEqualResults()
  }

  @Test(
    "numbers that give the result more axes stay",
    arguments: [text(epsilon: "epsilon[1, 1, 1, 1]"), text(square: "Pow(c, two[1, 1, 1, 1])")])
  func rank(_ text: String) throws { try expectUnfused(text) }

  @Test("numbers that are trained stay; a scale and a shift may be", arguments: ["epsilon", "two"])
  func trained(_ name: String) throws {
    let model = try FusionCase(Self.text(), numbers: Self.numbers)
    #expect(model.kinds(Fusion.differentiable, trained: ["scale", "shift"]) == ["LayerNormalization"])
    #expect(!model.kinds(Fusion.differentiable, trained: [name]).contains("LayerNormalization"))
  }

  @Test("one number as scale and shift stays")
  func broadcast() throws {
    try expectUnfused(Self.text(end: "w = Mul(n, scale[1])\ny = Add(w, shift[1])"))
    try expectUnfused(Self.text(end: "w = Mul(n, scale[3, 6])\ny = Add(w, shift[3, 6])"))
  }

  @Test(
    "another axis, another power and what is read elsewhere stay",
    arguments: [
      text(axis: 1), text(varianceAxis: 1), text(square: "Pow(c, three[])"), text(returning: "y, c"),
      text(returning: "y, v"), text(end: "w = Mul(n, scale[6])\nz = Add(w, shift[6])\ny = Add(z, n)"),
      text(end: "w = Mul(n, scale[6])\nz = Add(w, shift[6])\ny = Mul(z, c)"),
    ])
  func others(_ text: String) throws { try expectUnfused(text) }

  private func expectUnfused(_ text: String) throws {
    let model = try FusionCase(text, numbers: Self.numbers.merging(["three": 4]) { own, _ in own })
    #expect(!model.kinds().contains("LayerNormalization"))
    try model.expectEqualResults()
  }
}
