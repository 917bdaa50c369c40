import IR
import ONNXFile
import Testing

@Suite struct RoundTripTests {
  @Test("writing what was read gives the same bytes", arguments: 0..<150 as Range<UInt64>)
  func identity(seed: UInt64) throws {
    let scratch = Scratch()
    let first = try scratch.again(RandomModel.make(seed: seed), as: "first.onnx")
    _ = try scratch.again(first, as: "second.onnx")
    #expect(try scratch.bytes(of: "first.onnx") == scratch.bytes(of: "second.onnx"), "seed \(seed)")
  }

  @Test("reading gives what was written", arguments: 0..<150 as Range<UInt64>)
  func equality(seed: UInt64) throws {
    let (model, scratch) = (RandomModel.make(seed: seed), Scratch())
    let read = try scratch.again(model)
    // Identifiers are given anew; everything else is as it was.
    #expect(Description(read).lines == Description(model).lines, "seed \(seed)")
  }

  @Test("every element type survives, raw and typed", arguments: DataType.allCases)
  func types(type: DataType) throws {
    let scratch = Scratch()
    for (index, encoding) in [Tensor.Encoding.raw, .typed].enumerated() where type != .string || encoding == .typed {
      for shape in [[], [1], [5], [0, 3], [2, 3, 3]] {
        var model = Model()
        let value = model.addValue(named: "w")
        let tensor = RandomModel.tensor("w", type, shape: shape, encoding: encoding, seed: 3)
        model.graph.initializers = [Initializer(value: value, tensor: tensor)]
        model.graph.outputs = [ValueInfo(value: value, type: nil)]
        let read = try scratch.again(model, as: "\(index)\(shape).onnx")
        let found = try #require(read.graph.initializers.first?.tensor)
        #expect(found.dataType == type && found.shape == shape && found.encoding == encoding)
        #expect(found.contents == tensor.contents)
      }
    }
  }

  @Test("unknown fields are carried at every level")
  func unknownFields() throws {
    let unknown = field(900, "what is to come") + field(901, varint: 1 << 40)
    let tensor = field(1, varint: 1) + field(2, varint: 1) + field(8, "w") + field(9, [0, 0, 0x80, 0x3F]) + unknown
    let attribute = field(1, "a") + field(3, varint: 5) + field(20, varint: 2) + unknown
    let node = field(1, "w") + field(2, "y") + field(4, "Relu") + field(5, attribute) + unknown
    let size = field(1, varint: 1) + unknown
    let tensorType = field(1, varint: 1) + field(2, field(1, size) + unknown) + unknown
    let output = field(1, "y") + field(2, field(1, tensorType) + unknown) + unknown
    let graph = field(1, node) + field(5, tensor) + field(12, output) + unknown
    let property = field(1, "k") + field(2, "v") + unknown
    let opset = field(1, "") + field(2, varint: 17) + unknown
    let model = field(7, graph) + field(8, opset) + field(14, property) + field(25, field(1, "f") + unknown) + unknown
    let scratch = Scratch()
    try scratch.write(model, to: "model.onnx")
    _ = try scratch.again(try ONNXReader.read(contentsOf: scratch.file("model.onnx")), as: "copy.onnx")
    #expect(try scratch.bytes(of: "copy.onnx") == model)
  }

  @Test("a sparse tensor beside an attribute's value is carried, not taken for data")
  func sparseTensorBesideValue() throws {
    let sparse = field(1, field(1, varint: 1) + field(2, varint: 1) + field(9, [1, 2, 3, 4]))
    for contradiction in [field(22, sparse), field(23, sparse)] {
      let attribute = field(1, "a") + field(3, varint: 5) + field(20, varint: 2) + contradiction
      let node = field(2, "y") + field(4, "Op") + field(5, attribute)
      let model = field(7, field(1, node) + field(12, field(1, "y")))
      let scratch = Scratch()
      try scratch.write(model, to: "model.onnx")
      _ = try scratch.again(try ONNXReader.read(contentsOf: scratch.file("model.onnx")), as: "copy.onnx")
      #expect(try scratch.bytes(of: "copy.onnx") == model)
    }
  }

  @Test("a body's initializer of the same name does not follow the graph's to external data")
  func namesInBodies() throws {
    let scratch = Scratch()
    var model = Model()
    let (outer, inner) = (model.addValue(named: "w"), model.addValue(named: "w"))
    let made = model.addValue(named: "y")
    func tensor(_ seed: UInt64) -> Tensor { RandomModel.tensor("w", .float, shape: [600], encoding: .raw, seed: seed) }
    let body = Graph(
      initializers: [Initializer(value: inner, tensor: tensor(2))], outputs: [ValueInfo(value: inner, type: nil)])
    model.graph.initializers = [Initializer(value: outer, tensor: tensor(1))]
    model.graph.nodes = [
      Node(inputs: [outer], outputs: [made], opType: "If", attributes: [Attribute(name: "b", value: .graph(body))])
    ]
    model.graph.outputs = [ValueInfo(value: made, type: nil)]
    var options = ONNXWriter.Options()
    options.externalData = .always
    try ONNXWriter.write(model, to: scratch.file("model.onnx"), options: options)
    let read = try ONNXReader.read(contentsOf: scratch.file("model.onnx"))
    #expect(read.graph.initializers[0].tensor.contents == tensor(1).contents)
    #expect(read.graph.nodes[0].subgraphs[0].initializers[0].tensor.contents == tensor(2).contents)
  }
}
