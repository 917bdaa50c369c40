import Analysis
import Dimensions
import IR
import TestSupport
import Testing

@testable import Calibration
@testable import Pruning

/// Exporters that fold no constants write `Transpose` between a matrix and the product that multiplies by it.
@Suite("Transposed weights") struct TransposedWeightTests {
  private let model: Model
  private let analysis: ModelAnalysis

  init() throws {
    model = try GraphText.model(
      """
      x: float[4, 6]
      ut = Transpose(u[8, 6]) { perm: [1, 0] }
      h = MatMul(x, ut)
      dt = Transpose(d[5, 8]) { perm: [1, 0] }
      y = MatMul(h, dt)
      return y
      """)
    analysis = try ModelAnalysis(model)
  }

  @Test("a matrix that is turned before it is multiplied by makes and reads channels as any other")
  func roles() throws {
    let group = try #require(analysis.groups.first)
    let roles = group.members.map { (analysis.weights[$0.weight].name, $0.axis, $0.role) }
    #expect(roles.contains { $0 == ("u", 0, .producer) } && roles.contains { $0 == ("d", 1, .consumer) })
  }

  @Test("its layer has rows and columns where the matrix has them")
  func layers() throws {
    let layers = LinearLayers(model, analysis)
    #expect(layers.all.map(\.rowAxis) == [0, 0] && layers.all.map(\.columnAxis) == [1, 1])
    #expect(layers.readers(of: try #require(analysis.groups.first)) == [1])
  }

  @Test("a channel that others can stand in for is made up for", arguments: Repair.Order.allCases)
  func repaired(order: Repair.Order) throws {
    var redundant = model
    // The last hidden channel is the sum of the first two.
    var u = (0..<48).map { Float(($0 * 7 + 3) % 11) - 5 }
    for column in 0..<6 { u[42 + column] = u[column] + u[6 + column] }
    for index in redundant.graph.initializers.indices where redundant.graph.initializers[index].tensor.name == "u" {
      redundant.graph.initializers[index].tensor.storage = Tensor(floats: u, shape: [8, 6]).storage
    }
    let analysis = try ModelAnalysis(redundant)
    var keep = KeepSets()
    keep[try #require(analysis.groups.first).dimension] = [0, 1, 2, 3, 4, 5, 6]
    let pruned = try redundant.keeping(keep, analysis: analysis)
    let data = CalibrationData(count: 32, origin: .natural, source: "test", hasLabels: false) { range in
      var numbers: [Float] = []
      for sample in range { for column in 0..<6 { numbers.append(Float((sample * 13 + column * 5) % 17) / 8 - 1) } }
      return CalibrationData.Samples(inputs: ["x": Tensor(floats: numbers, shape: [range.count, 6])])
    }
    var options = Repair.Options()
    options.order = order
    options.damping = 1e-8
    let (_, report) = try Repair(of: redundant, analysis, keep: keep, options: options)(pruned, on: data)
    #expect(report.skipped.isEmpty && report.layers.count == 1)
    #expect(try #require(report.layers.first).error < 1e-6)
  }
}
