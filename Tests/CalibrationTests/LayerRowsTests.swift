import Analysis
import IR
import Kernels
import Pruning
import TestSupport
import Testing

@testable import Calibration

/// What a linear layer multiplies, position by position, against what the runtime makes of it.
@Suite("Rows of layers")
struct LayerRowsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    /// Of all samples.
    let shape: [Int]

    init(_ description: String, _ shape: [Int], _ operation: String) {
      testDescription = description
      self.shape = shape
      let sizes = shape.dropFirst().map { "\($0)" }.joined(separator: ", ")
      text = "x: float[N, \(sizes)]\ny = \(operation)\nreturn y"
    }
  }

  static let cases: [Case] = [
    Case("strides and pads", [3, 3, 7, 6], "Conv(x, w[4, 3, 3, 2]) { strides: [2, 1] pads: [1, 0, 2, 1] }"),
    Case("dilations", [3, 2, 9, 9], "Conv(x, w[3, 2, 3, 3]) { dilations: [2, 3] pads: [2, 3, 1, 2] }"),
    Case("groups", [3, 6, 5, 5], "Conv(x, w[4, 3, 3, 3]) { group: 2 pads: [1, 1, 1, 1] }"),
    Case("depthwise", [3, 4, 5, 5], "Conv(x, w[4, 1, 3, 3]) { group: 4 pads: [1, 1, 1, 1] }"),
    Case("depthwise with a multiplier", [3, 3, 5, 5], "Conv(x, w[6, 1, 3, 3]) { group: 3 strides: [2, 2] }"),
    Case("SAME_UPPER", [3, 2, 6, 7], "Conv(x, w[3, 2, 3, 4]) { auto_pad: \"SAME_UPPER\" strides: [2, 2] }"),
    Case("SAME_LOWER", [3, 2, 6, 7], "Conv(x, w[3, 2, 2, 4]) { auto_pad: \"SAME_LOWER\" strides: [1, 2] }"),
    Case("VALID", [3, 2, 6, 7], "Conv(x, w[3, 2, 2, 4]) { auto_pad: \"VALID\" strides: [1, 2] }"),
    Case("one axis", [3, 3, 11], "Conv(x, w[4, 3, 3]) { strides: [2] pads: [1, 0] }"),
    Case("three axes", [2, 2, 4, 3, 5], "Conv(x, w[3, 2, 2, 3, 2]) { pads: [1, 1, 0, 0, 1, 1] }"),
    Case(
      "transposed, strides and pads", [3, 3, 4, 5],
      "ConvTranspose(x, w[3, 4, 3, 2]) { strides: [2, 1] pads: [1, 0, 2, 1] }"),
    Case(
      "transposed, output padding", [3, 2, 4, 4],
      "ConvTranspose(x, w[2, 3, 3, 3]) { strides: [2, 3] pads: [1, 1, 1, 1] output_padding: [1, 2] }"),
    Case(
      "transposed, dilations", [3, 2, 4, 5],
      "ConvTranspose(x, w[2, 3, 3, 3]) { strides: [2, 2] dilations: [2, 3] pads: [1, 2, 0, 1] }"),
    Case(
      "transposed, groups", [3, 6, 4, 4],
      "ConvTranspose(x, w[6, 2, 3, 3]) { group: 2 strides: [2, 2] pads: [1, 1, 1, 1] output_padding: [1, 1] }"),
    Case(
      "transposed, negative pads", [3, 3, 4, 5],
      "ConvTranspose(x, w[3, 4, 3, 2]) { strides: [2, 1] pads: [-1, 1, 0, -2] }"),
    Case(
      "transposed, negative pads without strides", [3, 3, 4, 5],
      "ConvTranspose(x, w[3, 4, 3, 2]) { pads: [-1, 0, 1, -2] }"),
    Case(
      "transposed, groups with dilations", [3, 6, 4, 5],
      "ConvTranspose(x, w[6, 2, 3, 2]) { group: 2 strides: [2, 1] dilations: [1, 3] pads: [1, 0, 0, 2] }"),
    Case("transposed, depthwise", [3, 4, 4, 4], "ConvTranspose(x, w[4, 1, 3, 3]) { group: 4 strides: [2, 2] }"),
    Case(
      "transposed, depthwise with a multiplier", [3, 3, 4, 4],
      "ConvTranspose(x, w[3, 2, 3, 2]) { group: 3 strides: [2, 2] pads: [1, 0, 0, 1] }"),
    Case(
      "transposed, SAME_UPPER", [3, 2, 4, 5],
      "ConvTranspose(x, w[2, 3, 3, 2]) { auto_pad: \"SAME_UPPER\" strides: [2, 3] }"),
    Case(
      "transposed, SAME_LOWER", [3, 2, 4, 5],
      "ConvTranspose(x, w[2, 3, 3, 4]) { auto_pad: \"SAME_LOWER\" strides: [2, 3] }"),
    Case(
      "transposed, VALID", [3, 2, 4, 5], "ConvTranspose(x, w[2, 3, 3, 2]) { auto_pad: \"VALID\" strides: [2, 1] }"),
    Case(
      "transposed, output shape", [3, 2, 4, 4],
      "ConvTranspose(x, w[2, 3, 3, 3]) { strides: [2, 2] output_shape: [8, 7] }"),
    Case(
      "transposed, output shape and SAME_UPPER", [3, 2, 4, 4],
      "ConvTranspose(x, w[2, 3, 3, 3]) { auto_pad: \"SAME_UPPER\" strides: [2, 2] output_shape: [8, 7] }"),
    Case(
      "transposed, a larger output shape than kernels reach", [3, 2, 4, 4],
      "ConvTranspose(x, w[2, 3, 3, 3]) { strides: [2, 2] output_shape: [11, 10] }"),
    Case(
      "transposed, output shape and output padding", [3, 2, 4, 4],
      "ConvTranspose(x, w[2, 3, 3, 3]) { strides: [2, 2] output_shape: [9, 8] output_padding: [1, 1] }"),
    Case("transposed, one axis", [3, 3, 6], "ConvTranspose(x, w[3, 4, 4]) { strides: [2] pads: [1, 1] }"),
    Case(
      "transposed, three axes", [2, 2, 3, 2, 3],
      "ConvTranspose(x, w[2, 3, 2, 3, 2]) { strides: [1, 2, 2] pads: [0, 1, 0, 1, 1, 0] }"),
    Case("Gemm", [5, 6], "Gemm(x, w[6, 4])"),
    Case("Gemm with transB", [5, 6], "Gemm(x, w[4, 6]) { transB: 1 }"),
    Case("MatMul", [5, 6], "MatMul(x, w[6, 4])"),
    Case("MatMul of rank 3", [3, 4, 6], "MatMul(x, w[6, 5])"),
    Case("MatMul of rank 4", [2, 3, 4, 6], "MatMul(x, w[6, 5])"),
  ]

  /// A layer with numbers to run it on.
  private struct Example {
    let model: Model
    let layer: LinearLayer
    let weight: Tensor
    let x: Tensor
    let y: Tensor

    init(_ text: String, shape: [Int]) throws {
      let model = try GraphText.model(text)
      let analysis = try ModelAnalysis(model)
      let layer = try #require(LinearLayers(model, analysis).all.first)
      var numbers = Numbers(seed: 1)
      let x = numbers.tensor(shape)
      let outputs = try model.run(x)
      y = try #require(outputs["y"])
      weight = analysis.weights[layer.weight].tensor
      self.model = model
      self.layer = layer
      self.x = x
    }

    func rows(limit: Int = 1 << 40, samples: Int? = nil, seed: UInt64 = 0) throws -> LayerRows {
      let node = model.graph.nodes[try model.node(making: "y")]
      return LayerRows(
        layer, node: node, weightShape: weight.shape, rowLimit: limit, samples: samples ?? x.shape[0], seed: seed)
    }

    var outputCount: Int {
      weight.shape[layer.rowAxis] * (layer.kind == .transposedConvolution ? layer.groups : 1)
    }

    /// Rows of all or some channels of what the layer reads.
    /// - Parameter count: of samples; as many as the first axis is long by default.
    func inputs(
      _ rows: LayerRows, _ tensor: Tensor? = nil, channels: [Int]? = nil, first: Int = 0, count: Int? = nil
    ) throws -> [Float] {
      let tensor = tensor ?? x
      let numbers = tensor.floats() ?? []
      return try numbers.withUnsafeBufferPointer { buffer -> [Float] in
        guard let start = buffer.baseAddress else { return [] }
        return try rows.inputs(
          start, shape: tensor.shape, channels: channels ?? Array(0..<tensor.shape[layer.channelAxis]),
          samples: first..<(first + (count ?? tensor.shape[0])),
          workers: .one)
      }
    }

    func outputs(
      _ rows: LayerRows, _ tensor: Tensor? = nil, channels: [Int]? = nil, first: Int = 0, count: Int? = nil
    ) -> [Float] {
      let tensor = tensor ?? y
      let numbers = tensor.floats() ?? []
      return numbers.withUnsafeBufferPointer { buffer -> [Float] in
        guard let start = buffer.baseAddress else { return [] }
        return rows.outputs(
          start, shape: tensor.shape, channels: channels ?? Array(0..<outputCount),
          samples: first..<(first + (count ?? tensor.shape[0])), workers: .one)
      }
    }

    /// Every row times the layer's matrix, group by group.
    func products(_ lines: [Float]) -> [Double] {
      let values = weight.doubles() ?? []
      let (outputs, groups) = (outputCount, layer.groups)
      let columns = values.count / outputs
      let width = columns * groups
      var products: [Double] = []
      for line in 0..<(lines.count / width) {
        for output in 0..<outputs {
          let start = line * width + output / (outputs / groups) * columns
          var sum = 0.0
          for column in 0..<columns { sum += values[place(output, column)] * Double(lines[start + column]) }
          products.append(sum)
        }
      }
      return products
    }

    /// Where the weight has what an output multiplies a column of its group by.
    private func place(_ output: Int, _ column: Int) -> Int {
      let columns = weight.elementCount / outputCount
      guard layer.rowAxis == 1 else { return output * columns + column }
      // The rows of each input channel lie together.
      let window = weight.shape.dropFirst(2).reduce(1, *)
      let rows = outputCount / layer.groups
      let channel = output / rows * (columns / window) + column / window
      return (channel * rows + output % rows) * window + column % window
    }
  }

  private static let strided = "x: float[N, 3, 6, 6]\ny = Conv(x, w[4, 3, 3, 3]) { pads: [1, 1, 1, 1] }\nreturn y"

  @Test("rows times the layer's matrix are the layer's output at the same positions", arguments: cases)
  func products(example: Case) throws {
    let example = try Example(example.text, shape: example.shape)
    let rows = try example.rows()
    let found = example.products(try example.inputs(rows))
    let expected = example.outputs(rows).map { Double($0) }
    #expect(expected.count == example.y.elementCount)
    #expect(relativeError(found, expected) <= 1e-5)
  }

  @Test("the same holds of the positions a limit leaves", arguments: cases)
  func limitedProducts(example: Case) throws {
    let example = try Example(example.text, shape: example.shape)
    let rows = try example.rows(limit: 2 * example.x.shape[0], seed: 7)
    let expected = example.outputs(rows).map { Double($0) }
    #expect(expected.count <= 2 * example.x.shape[0] * example.outputCount)
    #expect(try relativeError(example.products(example.inputs(rows)), expected) <= 1e-5)
  }

  @Test("some channels are their columns, in order", arguments: cases.filter { $0.shape[1] > 2 })
  func someChannels(example: Case) throws {
    let example = try Example(example.text, shape: example.shape)
    let rows = try example.rows()
    let width = example.x.shape[example.layer.channelAxis] * rows.window
    let all = try example.inputs(rows)
    let chosen = [2, 0]
    let columns = chosen.flatMap { channel in (0..<rows.window).map { channel * rows.window + $0 } }
    let expected = (0..<(all.count / width)).flatMap { line in columns.map { all[line * width + $0] } }
    #expect(try example.inputs(rows, channels: chosen) == expected)
    let outputs = example.outputs(rows)
    let some = stride(from: 0, to: outputs.count, by: example.outputCount).flatMap { [outputs[$0 + 1], outputs[$0]] }
    #expect(example.outputs(rows, channels: [1, 0]) == some)
  }

  /// The positions of each sample that are chosen of 36.
  private func positions(limit: Int, seed: UInt64) throws -> [[Int]] {
    let example = try Example(Self.strided, shape: [5, 3, 6, 6])
    // Each output is the number of its position.
    let numbers = (0..<(5 * 4 * 36)).map { Float($0 % 36) }
    let found = example.outputs(
      try example.rows(limit: limit, seed: seed), Tensor(floats: numbers, shape: [5, 4, 6, 6]), channels: [0])
    return (0..<5).map { sample in
      found[(sample * found.count / 5)..<((sample + 1) * found.count / 5)].map { Int($0) }
    }
  }

  @Test("positions are distinct, in order, and about as many of each sample as the limit asks for")
  func distinct() throws {
    for sample in try positions(limit: 35, seed: 1) {
      #expect(sample.count == 7)
      #expect(sample == Set(sample).sorted())
      #expect(sample.allSatisfy { (0..<36).contains($0) })
    }
    for sample in try positions(limit: 1000, seed: 1) { #expect(sample == Array(0..<36)) }
  }

  @Test("the same seed chooses the same positions, another seed others, and samples have their own")
  func seeds() throws {
    let first = try positions(limit: 35, seed: 1)
    #expect(try positions(limit: 35, seed: 1) == first)
    #expect(try positions(limit: 35, seed: 2) != first)
    #expect(Set(first).count > 1)
  }

  @Test("where a sample's positions lie along the first axis, as many of each are taken as elsewhere")
  func foldedPositions() throws {
    let example = try Example("x: float[12, 6]\ny = MatMul(x, w[6, 4])\nreturn y", shape: [12, 6])
    let rows = try example.rows(limit: 6, samples: 3)
    let inputs = try example.inputs(rows, count: 3)
    #expect(inputs.count == 6 * 6)
    #expect(
      try relativeError(example.products(inputs), example.outputs(rows, count: 3).map { Double($0) }) <= 1e-5)
  }

  @Test("samples may come in parts")
  func batches() throws {
    let example = try Example(Self.strided, shape: [5, 3, 6, 6])
    let rows = try example.rows(limit: 20, seed: 3)
    let parts = [0..<2, 2..<5]
    let inputs = try parts.flatMap { try example.inputs(rows, example.x.samples($0), first: $0.lowerBound) }
    let outputs = parts.flatMap { example.outputs(rows, example.y.samples($0), first: $0.lowerBound) }
    #expect(inputs.count == 5 * 4 * 27)
    #expect(try example.inputs(rows) == inputs)
    #expect(example.outputs(rows) == outputs)
  }
}
