import Passes
import TestSupport
import Testing

/// What counts as equal outputs, and what as no comparison.
@Suite("Output verification")
struct OutputVerificationTests {
  private func verification(
    _ text: String, _ samples: [[Float]], _ other: String? = nil
  ) throws -> OutputVerification {
    try OutputVerification(
      try GraphText.model(text), against: try GraphText.model(other ?? text),
      samples: samples.map { ["x": Tensor(floats: $0, shape: [1, $0.count])] })
  }

  private let root = "x: float[1, N]\ny = Sqrt(x)\nreturn y"

  @Test("an output without a number in either model is not held for equal")
  func noNumbers() throws {
    let outputs = try verification(root, [[-1, -2], [-3, -4]])
    #expect(outputs.withoutNumbers.count == 1)
    #expect(outputs.withoutNumbers.first?.contains("output y") == true)
    #expect(outputs.remarks.isEmpty)
  }

  @Test("elements that are no numbers in both models are counted, and the others compared")
  func someNumbers() throws {
    let outputs = try verification(root, [[-1, -2], [-3, 4]])
    #expect(outputs.withoutNumbers.isEmpty)
    #expect(outputs.remarks.first?.contains("3 of 4 elements") == true)
    #expect(outputs.differences(tolerance: 0).isEmpty)
  }

  @Test("a number against none is a difference")
  func numberAgainstNone() throws {
    let outputs = try verification(root, [[-1, 4]], "x: float[1, N]\ny = Abs(x)\nreturn y")
    #expect(outputs.comparison?.maxRelativeError == .infinity)
    #expect(outputs.differences(tolerance: 1).count == 1)
  }

  @Test("what compares nothing says so")
  func nothing() throws {
    for outputs in [try verification(root, []), try verification(root, [[]])] {
      #expect(outputs.comparison == nil)
      #expect(outputs.obstacle != nil)
    }
  }
}
