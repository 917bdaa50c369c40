import IR
import TestSupport
import Testing

@testable import Runtime

@Suite("Operators that draw random numbers")
struct RandomTests {
  private func numbers(_ text: String) throws -> [Double] {
    let model = try GraphText.model(text, opset: 17)
    let tensor = try #require(try Session(model).run([:])[model.name(of: model.graph.outputs[0].value)])
    return tensor.contiguousBytes()?.withUnsafeBytes { bytes in bytes.bindMemory(to: Float.self).map { Double($0) } }
      ?? []
  }

  @Test("normal numbers have the mean and the deviation asked for, the same in every run")
  func normal() throws {
    let text = "y = RandomNormal() { shape: [10000], mean: 2.0, scale: 3.0, seed: 5.0 }\nreturn y"
    let drawn = try numbers(text)
    let mean = drawn.reduce(0, +) / Double(drawn.count)
    let variance = drawn.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(drawn.count)
    #expect(abs(mean - 2) < 0.1)
    #expect(abs(variance - 9) < 0.5)
    #expect(try numbers(text) == drawn)
  }

  @Test("uniform numbers fill their range")
  func uniform() throws {
    let drawn = try numbers("y = RandomUniform() { shape: [10000], low: 1.0, high: 3.0 }\nreturn y")
    #expect(drawn.allSatisfy { $0 >= 1 && $0 < 3 })
    #expect(abs(drawn.reduce(0, +) / Double(drawn.count) - 2) < 0.05)
  }

  @Test("nodes without a seed draw other numbers than their neighbours")
  func neighbours() throws {
    let text = "a = RandomUniform() { shape: [8] }\nb = RandomUniform() { shape: [8] }\ny = Sub(a, b)\nreturn y"
    #expect(try numbers(text).allSatisfy { $0 != 0 })
  }

  @Test("a probability of a half makes ones half of the time")
  func bernoulli() throws {
    let text = "p = RandomUniform() { shape: [10000], low: 0.5, high: 0.5 }\ny = Bernoulli(p) { seed: 3.0 }\nreturn y"
    let drawn = try numbers(text)
    #expect(drawn.allSatisfy { $0 == 0 || $0 == 1 })
    #expect(abs(drawn.reduce(0, +) / 10000 - 0.5) < 0.02)
  }

  @Test("classes are drawn by their weights")
  func multinomial() throws {
    let text = """
      w = Cast(k<0, 1, 0>) { to: 1 }
      l = Log(w)
      m = Reshape(l, s<1, 3>)
      d = Multinomial(m) { sample_size: 50 }
      y = Cast(d) { to: 1 }
      return y
      """
    #expect(try numbers(text) == [Double](repeating: 1, count: 50))
  }
}
