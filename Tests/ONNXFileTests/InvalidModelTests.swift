import ONNXFile
import Testing

private let tensor = field(1, varint: 1) + field(2, varint: 1) + field(9, [0, 0, 0, 0])
private let relu = field(1, "w") + field(2, "y") + field(4, "Relu")

private func graph(tensor: [UInt8] = tensor, node: [UInt8] = relu, more: [UInt8] = []) -> [UInt8] {
  field(7, field(1, node) + field(5, field(8, "w") + tensor) + field(12, field(1, "y")) + more)
}

/// Models that cannot be, with a word of the message that says so.
private let cases: [(name: String, model: [UInt8], word: String)] = [
  ("no graph", field(1, varint: 8), "no graph"),
  ("empty graph", field(7, []), "no nodes"),
  ("negative size", graph(tensor: field(1, varint: .max) + field(2, varint: 1)), "has the size -1"),
  (
    "sizes too large beside a zero",
    graph(
      tensor: field(1, varint: 0) + field(1, varint: 1 << 40) + field(1, varint: 1 << 40) + field(2, varint: 1)),
    "more than can be addressed"
  ),
  (
    "a long axis of nothing", graph(tensor: field(1, varint: 0) + field(1, varint: 1 << 40) + field(2, varint: 1)),
    "axis 1 has the size"
  ),
  ("too many axes", graph(tensor: (0..<65).flatMap { _ in field(1, varint: 1) } + field(2, varint: 1)), "axes"),
  ("unknown type", graph(tensor: field(2, varint: 99)), "data type 99"),
  ("no type", graph(tensor: field(1, varint: 1)), "data type"),
  ("raw data too short", graph(tensor: field(1, varint: 2) + field(2, varint: 1) + field(9, [0])), "raw_data has 1"),
  ("raw strings", graph(tensor: field(1, varint: 1) + field(2, varint: 8) + field(9, [0])), "no raw form"),
  ("too few values", graph(tensor: field(1, varint: 2) + field(2, varint: 1) + field(4, [0, 0, 0, 0])), "1 values"),
  ("both spellings", graph(tensor: tensor + field(4, [0, 0, 0, 0])), "given twice"),
  ("wrong spelling", graph(tensor: field(1, varint: 0) + field(2, varint: 1) + field(7, [1])), "cannot hold"),
  ("value out of range", graph(tensor: field(1, varint: 1) + field(2, varint: 3) + field(5, [0xC8, 1])), "fit"),
  ("half a packed byte", graph(tensor: field(1, varint: 3) + field(2, varint: 22) + field(5, [1])), "needs 2"),
  ("input from nowhere", graph(node: field(1, "q") + field(2, "y")), "defined nowhere"),
  ("output from nowhere", graph(node: field(1, "w") + field(2, "z")), "no node makes it"),
  ("two makers", graph(more: field(1, field(2, "y"))), "defined twice"),
  ("two initializers", graph(more: field(5, field(8, "w") + tensor)), "defined twice"),
  ("two inputs", graph(more: field(11, field(1, "x")) + field(11, field(1, "x"))), "defined twice"),
  ("nameless initializer", graph(more: field(5, tensor)), "no name"),
  ("nameless input", graph(more: field(11, [])), "no name"),
  ("cycle", graph(node: field(1, "y") + field(2, "y")), "cycle"),
  ("two attributes", graph(node: relu + field(5, field(1, "a")) + field(5, field(1, "a"))), "given twice"),
  ("sparse without values", graph(more: field(15, field(3, varint: 4))), "no values"),
  ("sparse without name", graph(more: field(15, field(1, tensor))), "no name"),
  ("sparse of negative size", graph(more: field(15, field(1, field(8, "s")) + field(3, varint: .max))), "size -1"),
  ("name that is no text", graph(node: field(1, "w") + field(2, "y") + field(3, [0xFF, 0xFE])), "UTF-8"),
  ("wire type of a known field", field(7, varint: 3), "unexpected type"),
  (
    "data without location", graph(tensor: field(1, varint: 1) + field(2, varint: 1) + field(14, varint: 1)), "location"
  ),
]

@Suite struct InvalidModelTests {
  @Test("a model that cannot be is refused in one line that names the file", arguments: cases.map(\.name))
  func refused(name: String) throws {
    let (_, model, word) = try #require(cases.first { $0.name == name })
    let scratch = Scratch()
    try scratch.write(model, to: "model.onnx")
    do {
      _ = try ONNXReader.read(contentsOf: scratch.file("model.onnx"))
      Issue.record("it was read")
    } catch {
      #expect("\(error)".contains(scratch.file("model.onnx")) && "\(error)".contains(word), "\(error)")
      #expect(!"\(error)".contains("\n"))
    }
  }

  @Test("an initializer may be an input of the same name, and bodies may use names anew")
  func allowed() throws {
    let scratch = Scratch()
    let body = field(5, field(8, "w") + tensor) + field(12, field(1, "w"))
    let attribute = field(1, "body") + field(6, body) + field(20, varint: 5)
    try scratch.write(graph(node: relu + field(5, attribute), more: field(11, field(1, "w"))), to: "model.onnx")
    let model = try ONNXReader.read(contentsOf: scratch.file("model.onnx"))
    #expect(model.graph.inputs[0].value == model.graph.initializers[0].value)
    #expect(model.graph.nodes[0].subgraphs[0].initializers[0].value != model.graph.initializers[0].value)
  }

  @Test("files that cannot be opened say why")
  func unopenable() throws {
    let scratch = Scratch()
    try scratch.write([], to: "empty.onnx")
    for (name, word) in [("nowhere.onnx", "No such file"), ("empty.onnx", "empty"), (".", "not a file")] {
      do {
        _ = try ONNXReader.read(contentsOf: scratch.file(name))
        Issue.record("\(name) was read")
      } catch {
        #expect("\(error)".contains(word))
      }
    }
  }
}
