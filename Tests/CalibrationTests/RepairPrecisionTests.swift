import IR
import Kernels
import Runtime
import TestSupport
import Testing

@testable import Calibration

/// The repair of models whose numbers have another precision than single, or whose samples are of a fixed number.
@Suite("Repair: precisions and fixed sizes")
struct RepairPrecisionTests {
  @Test(
    "half- and double-precision weights stay what they are, and are repaired",
    arguments: Repair.Order.allCases, [DataType.float16, .double])
  func otherPrecisions(order: Repair.Order, type: DataType) throws {
    let text = """
      x: float[N, 6]
      q = Cast(x) { to: \(type.rawValue) }
      h = Gemm(q, a[6, 10], c[10])
      r = Relu(h)
      i = Gemm(r, b[10, 4])
      y = Cast(i) { to: 1 }
      return y
      """
    let redundancies = [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)]
    var dense = try GraphText.model(text).repeating(redundancies)
    dense.changePrecision(to: type)
    let pruned = try PrunedModel(dense)
    let x = randomInput([200, 6])
    let repaired = try pruned.repaired(on: x, order, damping: 1e-4).model
    #expect(repaired.graph.initializers.allSatisfy { $0.tensor.dataType == type })
    #expect(repaired.contents["b"] != pruned.model.contents["b"])
    let expected = try dense.outputs(x)
    #expect(try relativeError(pruned.model.outputs(x), expected) > 0.05)
    #expect(try relativeError(repaired.outputs(x), expected) <= 0.02)
  }

  @Test(
    "a model of exactly so many samples is run on as many, and those left over are left out",
    arguments: Repair.Order.allCases)
  func fixedSamples(order: Repair.Order) throws {
    let text = """
      x: float[50, 6]
      h = Gemm(x, a[6, 10], c[10])
      r = Relu(h)
      y = Gemm(r, b[4, 10], d[4]) { transB: 1 }
      return y
      """
    let redundancies = [Redundancy(weight: "a", axis: 1), Redundancy(weight: "c", axis: 0)]
    let pruned = try PrunedModel(try GraphText.model(text).repeating(redundancies))
    let repaired = try pruned.repaired(on: randomInput([120, 6]), order).model
    let x = randomInput([50, 6], seed: 2)
    #expect(try relativeError(repaired.outputs(x), pruned.dense.outputs(x)) <= 1e-2)
  }
}
