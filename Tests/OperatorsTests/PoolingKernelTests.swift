import IR
import Operators
import Testing

@Suite("Poolings, computed and differentiated")
struct PoolingKernelTests {
  private typealias Operand = NodeGradients.Operand

  struct Case: Sendable, CustomStringConvertible {
    let shape: [Int]
    let lists: [String: [Int64]]
    var flags: [String: Int64] = [:]
    var mode: String?

    var description: String { "\(shape) \(lists) \(flags) \(mode ?? "")" }

    var attributes: [(String, AttributeValue)] {
      lists.map { ($0.key, AttributeValue.ints($0.value)) } + flags.map { ($0.key, .int($0.value)) }
        + (mode.map { [("auto_pad", AttributeValue.string(Array($0.utf8)))] } ?? [])
    }
  }

  static let cases = [
    Case(shape: [2, 3, 6, 7], lists: ["kernel_shape": [2, 2], "strides": [2, 2]]),
    Case(shape: [1, 2, 20, 37], lists: ["kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]]),
    Case(shape: [1, 2, 9, 22], lists: ["kernel_shape": [3, 2], "pads": [1, 0, 2, 1]]),
    Case(shape: [1, 1, 9, 12], lists: ["kernel_shape": [2, 3], "dilations": [2, 3], "strides": [1, 2]]),
    Case(shape: [1, 1, 8, 31], lists: ["kernel_shape": [3, 3], "strides": [3, 3]], flags: ["ceil_mode": 1]),
    Case(shape: [1, 1, 7, 10], lists: ["kernel_shape": [3, 3], "strides": [2, 3]], mode: "SAME_UPPER"),
    Case(shape: [1, 1, 7, 10], lists: ["kernel_shape": [2, 4], "strides": [2, 3]], mode: "SAME_LOWER"),
    Case(shape: [2, 1, 19], lists: ["kernel_shape": [4], "strides": [2], "pads": [2, 1]], flags: ["ceil_mode": 1]),
    Case(
      shape: [1, 2, 4, 5, 6], lists: ["kernel_shape": [2, 3, 2], "strides": [1, 2, 2], "pads": [0, 1, 0, 1, 1, 1]]),
  ]

  private func input(_ shape: [Int]) -> Operand {
    var x = Operand.random(shape.reduce(1, *), seed: 5)
    x.shape = shape
    return x
  }

  @Test("maxima, means and norms over windows agree with difference quotients", arguments: cases)
  func windows(sample: Case) throws {
    let x = input(sample.shape)
    try NodeGradients(OperatorName("MaxPool"), [x], opset: 19, sample.attributes).check()
    try NodeGradients(OperatorName("LpPool"), [x], opset: 18, sample.attributes).check(tolerance: 1e-5)
    for counts: Int64 in [0, 1] {
      try NodeGradients(
        OperatorName("AveragePool"), [x], opset: 19, sample.attributes + [("count_include_pad", .int(counts))]
      ).check()
    }
  }

  @Test("the vectors of maxima find what the search with indices finds", arguments: cases)
  func indices(sample: Case) throws {
    let x = input(sample.shape)
    let plain = try NodeGradients(OperatorName("MaxPool"), [x], opset: 12, sample.attributes).outputs()
    let indexed = try NodeGradients(OperatorName("MaxPool"), [x], outputs: 2, opset: 12, sample.attributes).outputs()
    #expect(plain[0].values == indexed[0].values)
    #expect(zip(indexed[0].values, indexed[1].values).allSatisfy { x.values[Int($1)] == $0 })
  }

  @Test("poolings over all positions", arguments: ["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"])
  func global(name: String) throws {
    try NodeGradients(OperatorName(name), [Operand.random(2, 3, 4, 5, seed: 1)]).check(tolerance: 1e-5)
    try NodeGradients(OperatorName(name), [Operand.random(2, 3, 35, seed: 1)]).check(tolerance: 1e-5)
  }
}
