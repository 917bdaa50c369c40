import IR
import Operators
import Testing

@Suite("Normalizations, computed and differentiated")
struct NormalizationKernelTests {
  private typealias Operand = NodeGradients.Operand

  private func channels(_ shape: Int..., opset: Int64 = 17) -> [Operand?] {
    var x = Operand.random(shape.reduce(1, *), seed: 1)
    x.shape = shape
    let parameters: [Operand?] = (2..<6).map { seed in Operand.random(shape[1], seed: UInt64(seed)) }
    return [x] + parameters.dropLast() + [parameters[3]?.mapped { $0 * $0 + 0.5 }]
  }

  @Test("batch normalization by given statistics leads gradients to all its inputs")
  func frozen() throws {
    try NodeGradients(OperatorName("BatchNormalization"), channels(3, 4, 5)).check()
    try NodeGradients(OperatorName("BatchNormalization"), channels(3, 4)).check()
  }

  @Test(
    "batch normalization by the statistics of the batch", arguments: [[3, 4, 5], [2, 3, 2, 9], [6, 5], [2, 2, 20]])
  func training(shape: [Int]) throws {
    var x = Operand.random(shape.reduce(1, *), seed: 1)
    x.shape = shape
    let inputs = [x] + channels(1, shape[1]).dropFirst()
    try NodeGradients(
      OperatorName("BatchNormalization"), inputs, outputs: 3, [("training_mode", .int(1))]
    ).check(except: [3, 4], outputs: [0])
    try NodeGradients(.own("BatchNormalizationTraining"), inputs, outputs: 5).check(except: [3, 4], outputs: [0])
  }

  @Test("an activation behind batch normalization lets gradients pass where it is open", arguments: ["Relu", "Clip6"])
  func activation(name: String) throws {
    var inputs = channels(3, 4, 11)
    inputs[1] = inputs[1]?.mapped { $0 * 20 }
    try NodeGradients(
      .own("BatchNormalizationTraining"), inputs, outputs: 5, [("activation", .string(Array(name.utf8)))]
    ).check(except: [3, 4], outputs: [0], tolerance: 1e-5)
  }

  @Test("running statistics keep the share of the old that momentum says, and take the unbiased variance")
  func runningStatistics() throws {
    let x = Operand(shape: [4, 1], values: [1, 2, 3, 6])
    let one = Operand(shape: [1], values: [1])
    let outputs = try NodeGradients(
      .own("BatchNormalizationTraining"), [x, one, one, one, one], outputs: 5, [("momentum", .float(0.75))]
    ).outputs()
    #expect(abs(outputs[1].values[0] - (0.75 + 0.25 * 3)) < 1e-12)
    #expect(abs(outputs[2].values[0] - (0.75 + 0.25 * 14 / 3)) < 1e-12)
    #expect(abs(outputs[3].values[0] - 3) < 1e-12)
  }

  @Test("far from zero, the variance of a channel loses nothing")
  func cancellation() throws {
    let x = Operand.random(2, 1, 50, seed: 3)
    let one = Operand(shape: [1], values: [1])
    let near = try NodeGradients(.own("BatchNormalizationTraining"), [x, one, one, one, one], outputs: 5).outputs()
    let far = try NodeGradients(
      .own("BatchNormalizationTraining"), [x.mapped { $0 + 1e6 }, one, one, one, one], outputs: 5
    ).outputs()
    #expect(abs(near[4].values[0] / far[4].values[0] - 1) < 1e-8)
  }

  @Test("layer and RMS normalization, with full, shared and missing scales")
  func layer() throws {
    let x = Operand.random(3, 2, 9, seed: 1)
    let (scale, bias) = (Operand.random(9, seed: 2), Operand.random(9, seed: 3))
    try NodeGradients(OperatorName("LayerNormalization"), [x, scale, bias]).check()
    try NodeGradients(OperatorName("LayerNormalization"), [x, scale]).check()
    try NodeGradients(OperatorName("LayerNormalization"), [x, scale, bias], [("axis", .int(1))]).check()
    let full = [x, Operand.random(2, 9, seed: 4), Operand.random(2, 9, seed: 5)]
    try NodeGradients(OperatorName("LayerNormalization"), full, [("axis", .int(-2))]).check()
    try NodeGradients(OperatorName("RMSNormalization"), [x, scale], opset: 23).check()
    try NodeGradients(.microsoft("SimplifiedLayerNormalization"), [x, scale]).check()
  }

  @Test("rows enough for several pieces sum to the same gradients on any number of threads")
  func pieces() throws {
    let inputs = [Operand.random(70, 500, seed: 1), Operand.random(500, seed: 2), Operand.random(70, 500, seed: 3)]
    let found = try (1...3).map { workers in
      try NodeGradients(.own("LayerNormalizationGradient"), inputs, outputs: 2, workers: workers).outputs()
    }
    #expect(found[0][1].values == found[1][1].values && found[0][1].values == found[2][1].values)
    #expect(found[0][0].values == found[2][0].values)
  }

  @Test("instance and group normalization, with scales of channels and of groups")
  func groups() throws {
    let x = Operand.random(2, 6, 3, 3, seed: 1)
    let six = [x, Operand.random(6, seed: 2), Operand.random(6, seed: 3)]
    let two = [x, Operand.random(2, seed: 2), Operand.random(2, seed: 3)]
    try NodeGradients(OperatorName("InstanceNormalization"), six).check()
    try NodeGradients(OperatorName("GroupNormalization"), six, opset: 21, [("num_groups", .int(2))]).check()
    try NodeGradients(OperatorName("GroupNormalization"), two, opset: 18, [("num_groups", .int(2))]).check()
  }

  @Test("normalizations by norms, by neighbouring channels and by deviations")
  func axes() throws {
    let x = Operand.random(2, 7, 3, seed: 1)
    for axis in [0, 1, -1] {
      for power in [1, 2] {
        try NodeGradients(
          OperatorName("LpNormalization"), [x], [("axis", .int(Int64(axis))), ("p", .int(Int64(power)))]
        ).check(tolerance: 1e-5)
      }
    }
    for (size, beta) in [(3, 0.75), (4, 0.5), (5, 1.25)] {
      try NodeGradients(
        OperatorName("LRN"), [x],
        [("size", .int(Int64(size))), ("alpha", .float(0.5)), ("beta", .float(Float(beta)))]
      ).check()
    }
    for list: [Int64] in [[0, 2], [1], [0, 1, 2], [-1]] {
      try NodeGradients(OperatorName("MeanVarianceNormalization"), [x], [("axes", .ints(list))]).check()
    }
  }

  @Test("dropout drops its share, scales the rest, and lets gradients pass where it kept")
  func dropout() throws {
    let inputs = [Operand.random(40, 50, seed: 1), Operand.ints([7], shape: [])]
    let ratio = [("ratio", AttributeValue.float(0.25)), ("stream", .int(3))]
    let node = NodeGradients(.own("DropoutTraining"), inputs, outputs: 2, ratio)
    let outputs = try node.outputs()
    let kept = outputs[1].values.reduce(0, +) / 2000
    #expect(abs(kept - 0.75) < 0.04)
    for index in 0..<2000 {
      let expected = outputs[1].values[index] * (inputs[0].values[index]) / 0.75
      #expect(abs(outputs[0].values[index] - expected) < 1e-12)
    }
    let threads = try NodeGradients(.own("DropoutTraining"), inputs, outputs: 2, workers: 3, ratio).outputs()
    #expect(threads[0].values == outputs[0].values)
    let small = [Operand.random(4, 5, seed: 1), Operand.ints([7], shape: [])]
    try NodeGradients(.own("DropoutTraining"), small, outputs: 2, ratio).check(outputs: [0])
  }
}
