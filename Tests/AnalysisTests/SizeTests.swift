import Analysis
import TestSupport
import Testing

/// Sizes that are computed from sizes that may shrink.
@Suite("Sizes")
struct SizeTests {
  /// The hidden width of 32 between two matrices; `use` computes with `width`, its size as a vector of one, and `batch`.
  private func isFree(_ use: String, opset: Int64 = 18) throws -> Bool {
    let text = """
      x: float[N, 16]
      z: float[M, 64]
      a = MatMul(x, up[16, 32])
      h = Relu(a)
      sizes = Shape(h)
      width = Gather(sizes, shape<1>)
      batch = Gather(sizes, shape<0>)
      \(use)
      y = MatMul(h, down[32, 5])
      return y, r
      """
    return try ModelAnalysis(try GraphText.model(text, opset: opset)).groups.contains { $0.size == 32 }
  }

  @Test("a size follows as an element of a shape of its own")
  func plain() throws {
    #expect(try isFree("t = Concat(batch, width) { axis: 0 }\nr = Reshape(h, t)") == false)  // `r` is an output
    #expect(try isFree("r = Shape(z)"))
  }

  @Test(
    "a size that is computed with a size known only at run time keeps it whole",
    arguments: [
      "t = Mul(width, batch)\nr = Slice(z, shape<0>, t, shape<1>)",
      "t = Add(width, batch)\ns = Concat(t, shape<1>) { axis: 0 }\nr = Expand(one[1, 1], s)",
      "t = Max(width, batch)\nr = ConstantOfShape(t)",
    ])
  func computed(use: String) throws { #expect(try isFree(use) == false) }

  @Test("a vector that holds a product of sizes remembers both of them")
  func partialTerms() throws {
    #expect(
      try isFree(
        """
        m = Mul(width, batch)
        v = Concat(batch, m) { axis: 0 }
        f = Cast(v) { to: 1 }
        g = Gather(f, shape<1>)
        r = Mul(z, g)
        """) == false)
  }

  @Test("a sum of many sizes remembers every one of them")
  func manySizes() throws {
    var lines = ["x: float[3, 16]"]
    for layer in 0..<70 {
      lines += [
        "a\(layer) = MatMul(x, up\(layer)[16, 32])", "s\(layer) = Shape(a\(layer))",
        "n\(layer) = Gather(s\(layer), i\(layer)<1>)",
        "t\(layer) = " + (layer == 0 ? "Identity(n0)" : "Add(t\(layer - 1), n\(layer))"),
        "y\(layer) = MatMul(a\(layer), down\(layer)[32, 5])",
      ]
    }
    let outputs = (0..<70).map { "y\($0)" }.joined(separator: ", ")
    let free = try ModelAnalysis(GraphText.model((lines + ["return \(outputs)"]).joined(separator: "\n"))).groups
    let fixed = try ModelAnalysis(GraphText.model((lines + ["return \(outputs), t69"]).joined(separator: "\n"))).groups
    #expect(free.count == 70)
    #expect(fixed.isEmpty)
  }

  @Test("a node nobody has a rule for keeps the sizes it reads")
  func withoutRule() throws {
    #expect(try isFree("q = Mystery(width)\nr = Mul(z, q)") == false)
  }

  @Test("a size that is a number enters the arithmetic with its first value")
  func frozen() throws {
    #expect(try isFree("f = Cast(width) { to: 1 }\nr = Mul(z, f)"))
  }
}
