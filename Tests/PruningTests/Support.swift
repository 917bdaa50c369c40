import Analysis
import Dimensions
import IR
import Pruning
import TestSupport
import Testing

extension Model {
  /// Fills a tensor with numbers of the test's own.
  mutating func fill(_ name: String, _ numbers: [Float]) {
    guard let index = graph.initializers.firstIndex(where: { self.name(of: $0.value) == name }) else { return }
    graph.initializers[index].tensor.storage = .bytes(numbers.withUnsafeBytes { ByteRegion(copying: $0) })
  }
}

extension GraphText {
  static func analysis(_ text: String, filling numbers: [String: [Float]] = [:]) throws -> ModelAnalysis {
    var model = try model(text)
    for (name, values) in numbers { model.fill(name, values) }
    return try ModelAnalysis(model)
  }
}

extension ModelAnalysis {
  /// The scores of the first group.
  func scores(
    _ criterion: any Criterion, aggregation: Aggregation = .mean, members: MemberScope? = nil, seed: UInt64 = 0
  ) throws -> [Float] {
    let context = ScoringContext(analysis: self, seed: seed, aggregation: aggregation, members: members)
    return try criterion.scores(for: try #require(groups.first), in: context)
  }
}

func isClose(_ found: [Float], _ expected: [Float]) -> Bool {
  found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($1), 1) }
}

enum Graphs {
  /// Two layers around one group of three channels.
  static let pair = """
    x: float[1, 2]
    h = MatMul(x, a[2, 3])
    y = MatMul(h, b[3, 2])
    return y
    """
  /// Columns of `a` with norms 5, 1, 2 and rows of `b` with norms 1, 3, 2.
  static let pairNumbers: [String: [Float]] = ["a": [3, 1, 0, 4, 0, 2], "b": [1, 0, 0, 3, 2, 0]]

  /// Stages of residual blocks, as wide as convolutional networks are, ending in a classifier.
  static func residual(stages: [Int] = [32, 64, 128], blocks: Int = 2) -> String {
    var lines = ["x: float[N, 3, 32, 32]", "s0 = Conv(x, stem[\(stages[0]), 3, 3, 3]) { pads: [1, 1, 1, 1] }"]
    var current = "s0"
    var width = stages[0]
    for (stage, wide) in stages.enumerated() {
      for block in 0..<blocks {
        let name = "/stage\(stage)/block\(block)"
        let stride = block == 0 && stage > 0 ? 2 : 1
        lines += [
          "\(name)/a = Conv(\(current), \(name)/a.weight[\(wide), \(width), 3, 3], \(name)/a.bias[\(wide)]) "
            + "{ pads: [1, 1, 1, 1] strides: [\(stride), \(stride)] }",
          "\(name)/r = Relu(\(name)/a)",
          "\(name)/b = Conv(\(name)/r, \(name)/b.weight[\(wide), \(wide), 3, 3]) { pads: [1, 1, 1, 1] }",
        ]
        if width != wide || stride != 1 {
          lines.append(
            "\(name)/d = Conv(\(current), \(name)/d.weight[\(wide), \(width), 1, 1]) { strides: [\(stride), \(stride)] }"
          )
          lines.append("\(name)/s = Add(\(name)/b, \(name)/d)")
        } else {
          lines.append("\(name)/s = Add(\(name)/b, \(current))")
        }
        current = "\(name)/s"
        width = wide
      }
    }
    lines += [
      "pool = GlobalAveragePool(\(current))", "flat = Flatten(pool)", "/head/fc = Gemm(flat, fc[\(width), 10])",
      "return /head/fc",
    ]
    return lines.joined(separator: "\n")
  }
}
