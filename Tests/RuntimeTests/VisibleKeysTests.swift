import IR
import TestSupport
import Testing

@testable import Runtime

/// Three queries that weigh all keys they see alike; the value of a key is its position.
@Suite("What queries of attention see")
struct VisibleKeysTests {
  private func output(_ operands: String, _ attributes: String, before: String = "") throws -> [Double] {
    let model = try GraphText.model(
      "q: float[2, 1, 3, 1]\nk: float[2, 1, 5, 1]\nv: float[2, 1, 5, 1]\n\(before)\n"
        + "y = Attention(q, k, v\(operands)) { \(attributes) }\nreturn y", opset: 25)
    func zeros(_ rows: Int) -> Tensor {
      Tensor(floats: [Float](repeating: 0, count: 2 * rows), shape: [2, 1, rows, 1])
    }
    let positions = Tensor(floats: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4], shape: [2, 1, 5, 1])
    let results = try Session(model).run(["q": zeros(3), "k": zeros(5), "v": positions])
    return try #require(results["y"]).numbers
  }

  private func expect(_ found: [Double], _ expected: [Double]) {
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-6, "\(found), expected \(expected)") }
  }

  @Test(
    "a window, to either side of the query",
    arguments: [
      ("left_window_size: 1", [2, 2, 2.5]), ("left_window_size: 1, right_window_size: 1", [0.5, 1, 2]),
      ("right_window_size: 0", [0, 0.5, 1]), ("is_causal: 1, left_window_size: 0", [0, 1, 2]),
      ("is_causal: 1, right_window_size: 2", [0, 0.5, 1]),
      ("left_window_size: 9223372036854775807, right_window_size: 9223372036854775807", [2, 2, 2]),
    ] as [(String, [Double])])
  func windows(_ attributes: String, expected: [Double]) throws {
    expect(try output("", attributes), expected + expected)
  }

  @Test("where keys have lengths, the last query is at the last key")
  func lengths() throws {
    expect(try output(", _, _, _, n<5, 3>", "is_causal: 1"), [1, 1.5, 2, 0, 0.5, 1])
    expect(
      try output(", _, _, _, n<5, 3>", "left_window_size: 1, right_window_size: 0"), [1.5, 2.5, 3.5, 0, 0.5, 1.5])
    // A query before the first key sees none.
    expect(try output(", _, _, _, n<5, 2>", "is_causal: 1"), [1, 1.5, 2, 0, 0, 0.5])
  }

  @Test("a mask of fewer keys hides the others, whatever the lengths are")
  func shortMask() throws {
    expect(
      try output(", b, _, _, n<5, 1>", "is_causal: 0", before: "b = Cast(i<1, 1>) { to: 9 }"),
      [0.5, 0.5, 0.5, 0, 0, 0])
  }

  @Test("a window of less than nothing is refused")
  func negative() throws {
    let error = #expect(throws: RuntimeError.self) { try output("", "left_window_size: -2") }
    #expect(error?.description.contains("left_window_size is -2, expected -1 or more") == true)
  }
}
