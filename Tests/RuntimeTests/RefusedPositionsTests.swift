import IR
import TestSupport
import Testing

@testable import Runtime

/// Positions and lengths are known only when a model runs; those outside of their tables and caches are errors.
@Suite("Refused positions and lengths")
struct RefusedPositionsTests {
  private static let largest = "9223372036854775807"
  private static let heads = "{ num_heads: 1, kv_num_heads: 1 }"

  @Test(
    "positions outside of a table, lengths outside of a cache",
    arguments: [
      "y = ms:RotaryEmbedding(x, p<\(largest)>, c[5, 2], s[5, 2])",
      "y = ms:RotaryEmbedding(x, p<-\(largest)>, c[5, 2], s[5, 2])",
      "y = ms:RotaryEmbedding(x, p<0, 5>, c[5, 2], s[5, 2])",
      "y = ms:GroupQueryAttention(x, k[1, 2, 4], v[1, 2, 4], _, _, l<\(largest)>, t<4>) \(heads)",
      "y = ms:GroupQueryAttention(x, k[1, 2, 4], v[1, 2, 4], _, _, l<-\(largest)>, t<4>) \(heads)",
    ])
  func outside(_ text: String) throws {
    let model = try GraphText.model("x: float[1, 2, 4]\n\(text)\nreturn y")
    #expect(throws: RuntimeError.self) {
      try Session(model, options: RuntimeOptions(workers: .one)).run([
        "x": Tensor(floats: [Float](repeating: 1, count: 8), shape: [1, 2, 4])
      ])
    }
  }
}
