import Testing

@testable import Runtime

@Suite("Folding batch normalization")
struct FoldBatchNormalizationTests {
  private static let normalization = "y = BatchNormalization(c, scale[6], shift[6], mean[6], variance[6]+)"

  private static func text(
    _ convolution: String = "c = Conv(x, w[6, 4, 3, 3], b[6])", end: String = normalization, returning: String = "y"
  ) -> String {
    "x: float[2, 4, 5, 5]\n\(convolution)\n\(end)\nreturn \(returning)"
  }

  @Test(
    "it goes into the convolution before it, with a bias or without one, with one group or several",
    arguments: [
      text(), text("c = Conv(x, w[6, 4, 3, 3])"), text("c = Conv(x, w[6, 2, 3, 3]) { group: 2, pads: [1, 1, 1, 1] }"),
      text("c = Conv(x, !w[6, 4, 1, 1], !b[6])"),
    ])
  func folds(_ text: String) throws {
    let model = try FusionCase(text)
    #expect(model.kinds() == ["Conv"])
    try model.expectEqualResults()
  }

  @Test("what was folded is not kept")
  func initializers() throws {
    let names = try FusionCase(Self.text()).initializers()
    #expect(names.count == 2 && names.allSatisfy { $0.hasPrefix("folded") })
  }

  @Test("what another node reads is kept, as it was")
  func sharedWeight() throws {
    let model = try FusionCase(
      Self.text("c = Conv(x, w[6, 4, 3, 3])", end: Self.normalization + "\nz = Conv(x, w, scale)", returning: "y, z"))
    #expect(model.kinds() == ["Conv", "Conv"])
    #expect(Set(model.initializers()).isSuperset(of: ["w", "scale"]))
    #expect(!model.initializers().contains("mean"))
    try model.expectEqualResults()
  }

  @Test(
    "a convolution that is read elsewhere stays",
    arguments: [text(returning: "y, c"), text(end: "n = \(normalization.dropFirst(4))\ny = Add(n, c)")])
  func readTwice(_ text: String) throws { try expectUnfolded(text) }

  @Test(
    "computed weights and statistics stay",
    arguments: [
      text("v = Abs(w[6, 4, 3, 3])\nc = Conv(x, v)"), text("d = Abs(b[6])\nc = Conv(x, w[6, 4, 3, 3], d)"),
      text(end: "m = Abs(mean[6])\ny = BatchNormalization(c, scale[6], shift[6], m, variance[6]+)"),
    ])
  func computed(_ text: String) throws { try expectUnfolded(text) }

  private func expectUnfolded(_ text: String) throws {
    let model = try FusionCase(text)
    #expect(model.kinds().contains("BatchNormalization"))
    try model.expectEqualResults()
  }
}
