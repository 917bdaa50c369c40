import Passes
import TestSupport
import Testing

/// Sizes that models are run with, where they leave some open.
@Suite("Input sizes")
struct InputSizesTests {
  private func sizes(
    _ text: String, _ shapes: [String] = [], batch: Int? = nil, usual: InputSizes.Usual = .small
  ) throws -> [[Int]] {
    try InputSizes(
      try GraphText.model(text), shapes: try InputShapes(parsing: shapes), batch: batch, usual: usual
    ).inputs.map(\.shape)
  }

  /// Why sizes are refused as a mistake of the user.
  private func mistake(_ text: String, _ shapes: [String] = [], batch: Int? = nil) throws -> String {
    do {
      return "\(try sizes(text, shapes, batch: batch))"
    } catch PassError.usage(let reason) {
      return reason
    }
  }

  @Test("open sizes are those of pictures and sequences, large ones to measure with")
  func usual() throws {
    let text = "a: float[N, C, H, W]\nb: float[N, P, Q, 3]\nc: int64[N, T]\nd = Relu(a)\nreturn d"
    #expect(try sizes(text) == [[1, 3, 64, 64], [1, 64, 64, 3], [1, 16]])
    #expect(try sizes(text, usual: .large) == [[1, 3, 224, 224], [1, 224, 224, 3], [1, 128]])
  }

  @Test("a batch goes to every open first axis, a shape to every size of the same name")
  func given() throws {
    let text = "a: float[N, T]\nb: float[M, T]\nc: float[5]\nd = Relu(a)\nreturn d"
    #expect(try sizes(text, batch: 8) == [[8, 16], [8, 16], [5]])
    #expect(try sizes(text, ["b=2x7"]) == [[1, 7], [2, 7], [5]])
  }

  @Test("a batch that the model does not take is refused with the one it takes")
  func fixedBatch() throws {
    let text = "x: float[4, 3]\ny = Relu(x)\nreturn y"
    #expect(try mistake(text, batch: 8).contains("the batch is fixed at 4 by input x, not 8"))
    #expect(try mistake(text, batch: 4) == "[[4, 3]]")
    #expect(try mistake("x: float[N, 3]\ny = Relu(x)\nreturn y", ["x=2x3"], batch: 8).contains("fixed at 2 by input x"))
    #expect(try mistake("x: float[]\ny = Relu(x)\nreturn y", batch: 8).contains("no input has an axis of samples"))
  }

  @Test("shapes of no input, and those that contradict the model, are refused")
  func wrongShapes() throws {
    let text = "x: float[N, 3]\ny = Relu(x)\nreturn y"
    #expect(try mistake(text, ["z=1x3"]) == "the model has no input z; it has x")
    #expect(try mistake(text, ["x=1x3x1"]) == "input x has 2 axes, the shape given has 3")
    #expect(try mistake(text, ["x=1x4"]) == "axis 1 of input x has 3 elements, the shape given says 4")
    #expect(throws: InputShapeError.self) { try InputShapes(parsing: ["x=1x3", "x=2x3"]) }
  }

  @Test(
    "inputs that no memory holds are refused, whether or not their size can be counted", arguments: [1 << 45, Int.max])
  func huge(batch: Int) throws {
    let reason = try mistake("x: float[N, 3]\ny = Relu(x)\nreturn y", batch: batch)
    #expect(reason.contains("input x"))
    #expect(reason.contains("more memory than this machine has"))
  }
}
