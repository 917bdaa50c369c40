import Analysis
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// What channels that went were on average goes to where the model has a place for it.
@Suite("Means of what is removed")
struct RepairedMeanTests {
  /// A model whose fourth hidden channel is always 2, without it.
  private func withoutConstantChannel(_ text: String) throws -> PrunedModel {
    var model = try GraphText.model(text)
    let tensor = try model.tensor("a")
    var values = try #require(tensor.floats())
    // The weight of a convolution makes channels along its first axis, that of a product along its last.
    let inner = tensor.shape.count > 2 ? values.count / 4 : 1
    for index in values.indices where index / inner % 4 == 3 { values[index] = 0 }
    try model.fill("a", values)
    try model.fill("c", [0.5, -0.25, 1, 2])
    return try PrunedModel(model, kept: [0, 1, 2])
  }

  private func constant(_ model: Model, making name: String, input: Int) throws -> [Double] {
    let tensor = model.constant(node: try model.node(making: name), input: input)
    return try #require(tensor?.doubles(), "\(name) has no constant at input \(input)")
  }

  /// - Parameter removed: the weights of the removed channel, one an output.
  private func expectMean(
    _ pruned: PrunedModel, _ x: Tensor, _ order: Repair.Order, at name: String, input: Int, base: [Double],
    removed: [Double], sign: Double = 1
  ) throws {
    let repaired = try pruned.repaired(on: x, order).model
    let expected = zip(base, removed).map { $0 + sign * 2 * $1 }
    #expect(try relativeError(constant(repaired, making: name, input: input), expected) <= 1e-3)
    #expect(try relativeError(repaired.numbers("b"), pruned.model.numbers("b")) <= 1e-3)
    #expect(try relativeError(repaired.outputs(x), pruned.dense.outputs(x)) <= 1e-3)
  }

  @Test("a mean goes into the bias of a Gemm that has none", arguments: Repair.Order.allCases)
  func meanWithoutBias(order: Repair.Order) throws {
    let pruned = try withoutConstantChannel(
      "x: float[N, 5]\nh = Gemm(x, a[5, 4], c[4])\ny = Gemm(h, b[4, 3])\nreturn y")
    let removed = Array(try pruned.dense.numbers("b")[9...])
    try expectMean(
      pruned, randomInput([200, 5]), order, at: "y", input: 2, base: [0, 0, 0], removed: removed)
  }

  @Test("a mean goes into the bias of a Gemm that has one", arguments: Repair.Order.allCases)
  func meanWithBias(order: Repair.Order) throws {
    let pruned = try withoutConstantChannel(
      "x: float[N, 5]\nh = Gemm(x, a[5, 4], c[4])\ny = Gemm(h, b[4, 3], d[3])\nreturn y")
    let removed = Array(try pruned.dense.numbers("b")[9...])
    try expectMean(
      pruned, randomInput([200, 5]), order, at: "y", input: 2, base: try pruned.dense.numbers("d"), removed: removed)
  }

  @Test("a mean goes into what is added behind a MatMul", arguments: Repair.Order.allCases)
  func meanOfProduct(order: Repair.Order) throws {
    let pruned = try withoutConstantChannel(
      "x: float[N, 3, 5]\nm = MatMul(x, a[5, 4])\nh = Add(m, c[4])\nn = MatMul(h, b[4, 3])\ny = Add(d[3], n)\nreturn y")
    let removed = Array(try pruned.dense.numbers("b")[9...])
    try expectMean(
      pruned, randomInput([100, 3, 5]), order, at: "y", input: 0, base: try pruned.dense.numbers("d"), removed: removed)
  }

  @Test("a mean goes into the running mean behind a convolution without bias", arguments: Repair.Order.allCases)
  func meanBeforeNormalization(order: Repair.Order) throws {
    let pruned = try withoutConstantChannel(
      """
      x: float[N, 5, 3, 3]
      h = Conv(x, a[4, 5, 1, 1], c[4])
      n = Conv(h, b[3, 4, 1, 1])
      y = BatchNormalization(n, s[3]+, t[3], m[3], v[3]+)
      return y
      """)
    let weight = try pruned.dense.numbers("b")
    let x = randomInput([40, 5, 3, 3])
    try expectMean(
      pruned, x, order, at: "y", input: 3, base: try pruned.dense.numbers("m"),
      removed: [weight[3], weight[7], weight[11]], sign: -1)
    let repaired = try pruned.repaired(on: x, order).model
    #expect(try relativeError(repaired.numbers("v"), pruned.dense.numbers("v")) <= 1e-3)
    for name in ["s", "t"] { #expect(repaired.contents[name] == pruned.dense.contents[name]) }
  }

  /// Mean and variance of each channel of a value.
  private func statistics(
    _ name: String, of model: Model, on x: Tensor
  ) throws -> (means: [Double], variances: [Double]) {
    let tensor = try #require(try model.run(x, showing: [name])[name])
    let values = try #require(tensor.doubles())
    let (channels, plane) = (tensor.shape[1], tensor.shape.dropFirst(2).reduce(1, *))
    var (means, variances) = ([Double](), [Double]())
    for channel in 0..<channels {
      let own = values.indices.filter { $0 / plane % channels == channel }.map { values[$0] }
      let mean = own.reduce(0, +) / Double(own.count)
      means.append(mean)
      variances.append(own.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count))
    }
    return (means, variances)
  }

  @Test("running means and variances follow a transposed convolution before them", arguments: Repair.Order.allCases)
  func normalizationOfTransposedConvolution(order: Repair.Order) throws {
    let pruned = try PrunedModel(
      GraphText.model(
        """
        x: float[N, 5, 3, 3]
        h = Conv(x, a[8, 5, 1, 1], c[8])
        r = Relu(h)
        n = ConvTranspose(r, b[8, 3, 2, 3]) { strides: [2, 2] pads: [0, 1, 1, 0] }
        y = BatchNormalization(n, s[3]+, t[3], m[3], v[3]+)
        return y
        """))
    let x = randomInput([40, 5, 3, 3])
    let repaired = try pruned.repaired(on: x, order).model
    let before = try statistics("n", of: pruned.dense, on: x)
    let after = try statistics("n", of: repaired, on: x)
    let (m, v) = (try pruned.dense.numbers("m"), try pruned.dense.numbers("v"))
    let means = m.indices.map { m[$0] + after.means[$0] - before.means[$0] }
    let variances = v.indices.map { v[$0] * after.variances[$0] / before.variances[$0] }
    #expect(relativeError(means, m) > 0.01 && relativeError(variances, v) > 0.01)
    #expect(try relativeError(repaired.numbers("m"), means) <= 1e-3)
    #expect(try relativeError(repaired.numbers("v"), variances) <= 1e-3)
    for name in ["s", "t"] { #expect(repaired.contents[name] == pruned.dense.contents[name]) }
  }

  @Test(
    "a bias that two layers share is not changed for the one that is not repaired",
    arguments: Repair.Order.allCases)
  func sharedBias(order: Repair.Order) throws {
    let text = """
      x: float[N, 6]
      h = Gemm(x, a[6, 8], c[8])
      y = Gemm(h, b[8, 3], d[3])
      z = Gemm(x, e[6, 3], d)
      return y, z
      """
    let pruned = try PrunedModel(try GraphText.model(text))
    let x = randomInput([200, 6])
    let repaired = try pruned.repaired(on: x, order).model
    let (before, after) = (try pruned.dense.run(x), try repaired.run(x))
    #expect(relativeError(after["z"]?.doubles() ?? [], before["z"]?.doubles() ?? [0]) <= 1e-6)
    let found = try constant(repaired, making: "y", input: 2)
    #expect(try found != constant(repaired, making: "z", input: 2))
  }
}
