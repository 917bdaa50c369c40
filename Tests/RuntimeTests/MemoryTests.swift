import IR
import TestSupport
import Testing

@testable import Runtime

/// What programs take: no more than they need, as much as they say, and an error where there is no memory.
@Suite("Memory of programs")
struct MemoryTests {
  private func report(_ text: String, _ shapes: [String: [Int]]) throws -> MemoryReport {
    try Session(try GraphText.model(text)).memory(for: shapes.mapValues { (.float, $0) })
  }

  private func message(_ text: String, _ inputs: [String: Tensor]) throws -> String {
    let session = try Session(try GraphText.model(text), options: RuntimeOptions(workers: .one))
    do throws(RuntimeError) {
      _ = try session.run(inputs)
      return ""
    } catch {
      return error.description
    }
  }

  // MARK: Too much

  @Test("a plan that no machine has memory for is an error that says how much")
  func largePlan() throws {
    let message = try message(
      "x: float[1]\ns = ConstantOfShape(k<1048576, 1048576>)\ny = Add(s, x)\nreturn y",
      ["x": Tensor(floats: [1], shape: [1])])
    #expect(message.contains("takes 4398046511104 bytes of memory, which this machine does not have"))
    #expect(!message.contains("\n"))
  }

  @Test("a tensor that no memory holds is an error that names its node")
  func largeTensor() throws {
    for sizes in [[1 << 20, 1 << 20], [1 << 30, 1 << 30]] {
      let message = try message(
        "k: int64[2]\ns = ConstantOfShape(k)\ny = Neg(s)\nreturn y", ["k": Tensor(ints: sizes, .int64)])
      #expect(message.contains("s (ConstantOfShape)"))
    }
    let message = try message(
      "x: float[1]\ns = ConstantOfShape(k<1073741824, 1073741824>)\ny = Add(s, x)\nreturn y",
      ["x": Tensor(floats: [1], shape: [1])])
    #expect(message.contains("s (ConstantOfShape)"))
  }

  // MARK: Folding

  @Test("what is much larger than what it is made of is computed in place, not kept")
  func growth() throws {
    let adds = (0..<12).map { "a\($0 + 1) = Add(a\($0), one[1])" }.joined(separator: "\n")
    let report = try report(
      "x: float[1]\na0 = ConstantOfShape(k<4096, 4096>)\n\(adds)\ny = Add(a12, x)\nreturn y", ["x": [1]])
    #expect(report.peakBytes < (64 << 20) + 4096)
  }

  @Test("of a chain of folded nodes only the last result is kept")
  func chain() throws {
    let adds = (0..<12).map { "a\($0 + 1) = Add(a\($0), one[1])" }.joined(separator: "\n")
    let report = try report(
      "x: float[1]\na0 = ConstantOfShape(k<512, 512>)\n\(adds)\ny = Add(a12, x)\nreturn y", ["x": [1]])
    #expect(report.parameterBytes == 1 << 20)
  }

  // MARK: Reports

  @Test("a report counts what folding made of a weight, and each weight once")
  func report() throws {
    #expect(
      try report("x: float[4]\nw = Cast(q<1, 2, 3, 4>) { to: 1 }\ny = Mul(x, w)\nreturn y", ["x": [4]]).parameterBytes
        == 16)
    #expect(
      try report(
        "x: float[4, 8]\nv = Reshape(w[32], s<4, 8>)\na = Mul(x, v)\nb = Reshape(w, t<8, 4>)\ny = MatMul(a, b)\nreturn y",
        ["x": [4, 8]]
      ).parameterBytes == 128)
    #expect(
      try report("x: float[4]\na = Add(x, w[4])\nb = Add(a, w)\ny = Mul(b, u[4])\nreturn y", ["x": [4]]).parameterBytes
        == 32)
  }
}
