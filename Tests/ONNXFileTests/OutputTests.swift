import Files
import Foundation
import IR
import ONNXFile
import Testing

/// A model of one tensor.
private func model(of floats: Int = 600, encoding: Tensor.Encoding = .raw) -> Model {
  var model = Model()
  let (weight, output) = (model.addValue(named: "w"), model.addValue(named: "y"))
  let tensor = RandomModel.tensor("w", .float, shape: [floats], encoding: encoding, seed: 1)
  model.graph.initializers = [Initializer(value: weight, tensor: tensor)]
  model.graph.nodes = [Node(inputs: [weight], outputs: [output], opType: "Relu")]
  model.graph.outputs = [ValueInfo(value: output, type: nil)]
  return model
}

private func options(overwrite: Bool = false, external: Bool = false) -> ONNXWriter.Options {
  var options = ONNXWriter.Options()
  options.overwrite = overwrite
  options.durable = false
  options.externalData = external ? .always : .auto
  return options
}

private func permissions(_ path: String) -> Int? {
  (try? FileManager.default.attributesOfItem(atPath: path))?[.posixPermissions] as? Int
}

@Suite struct OutputTests {
  @Test("what exists is replaced only when asked, and keeps its permissions")
  func overwriting() throws {
    let scratch = Scratch()
    try scratch.write([1, 2, 3], to: "out.onnx")
    chmod(scratch.file("out.onnx"), 0o640)
    #expect(throws: OutputError.self) {
      try ONNXWriter.write(model(), to: scratch.file("out.onnx"), options: options())
    }
    #expect(try scratch.bytes(of: "out.onnx") == [1, 2, 3])
    try ONNXWriter.write(model(), to: scratch.file("out.onnx"), options: options(overwrite: true))
    #expect(permissions(scratch.file("out.onnx")) == 0o640)
    #expect(scratch.names == ["out.onnx"])
  }

  @Test("a link stays a link, and its file is replaced")
  func links() throws {
    let scratch = Scratch()
    try FileManager.default.createDirectory(atPath: scratch.file("below"), withIntermediateDirectories: true)
    try scratch.write([1], to: "below/real.onnx")
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("out.onnx"), withDestinationPath: "below/real.onnx")
    let links = options(overwrite: true, external: true)
    try ONNXWriter.write(model(), to: scratch.file("out.onnx"), options: links)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: scratch.file("out.onnx")) == "below/real.onnx")
    let read = try ONNXReader.read(contentsOf: scratch.file("out.onnx"))
    #expect(read.graph.initializers[0].tensor.contents == model().graph.initializers[0].tensor.contents)
  }

  @Test("a link to nothing is refused")
  func danglingLink() throws {
    let scratch = Scratch()
    try FileManager.default.createSymbolicLink(atPath: scratch.file("out.onnx"), withDestinationPath: "nowhere")
    #expect(throws: OutputError.self) {
      try ONNXWriter.write(model(), to: scratch.file("out.onnx"), options: options(overwrite: true))
    }
    #expect(scratch.names == ["out.onnx"])
  }

  @Test("no file a model was read from is replaced, by whatever path")
  func sources() throws {
    let scratch = Scratch()
    try ONNXWriter.write(model(), to: scratch.file("in.onnx"), options: options(external: true))
    try FileManager.default.linkItem(atPath: scratch.file("in.onnx.data"), toPath: scratch.file("hard.onnx"))
    try FileManager.default.linkItem(atPath: scratch.file("in.onnx.data"), toPath: scratch.file("other.onnx.data"))
    try FileManager.default.createSymbolicLink(atPath: scratch.file("soft.onnx"), withDestinationPath: "in.onnx")
    let read = try ONNXReader.read(contentsOf: scratch.file("in.onnx"))
    let before = try scratch.names.map { try scratch.bytes(of: $0) }
    for name in ["in.onnx", "in.onnx.data", "hard.onnx", "soft.onnx", "other.onnx"] {
      do {
        try ONNXWriter.write(read, to: scratch.file(name), options: options(overwrite: true))
        Issue.record("\(name) was written")
      } catch {
        #expect(error.isUsageError, "\(name): \(error)")
      }
    }
    #expect(try scratch.names.map { try scratch.bytes(of: $0) } == before)
  }

  @Test("model and external data appear together or not at all")
  func bothOrNeither() throws {
    let scratch = Scratch()
    try scratch.write([7], to: "old.onnx.data")
    // The data can be written; the model cannot take the place of a folder that is made meanwhile.
    for name in ["new.onnx", "old.onnx"] {
      let path = scratch.file(name)
      var model = model()
      model.producerName = String(repeating: "x", count: 10)
      #expect(throws: OutputError.self) {
        try ONNXWriter.write(model, to: path + "/", options: options(overwrite: true, external: true))
      }
    }
    #expect(scratch.names == ["old.onnx.data"])
    #expect(try scratch.bytes(of: "old.onnx.data") == [7])
    try ONNXWriter.write(model(), to: scratch.file("old.onnx"), options: options(overwrite: true, external: true))
    #expect(scratch.names == ["old.onnx", "old.onnx.data"])
    #expect(try scratch.bytes(of: "old.onnx.data").count == 2400)
  }

  @Test("a folder that is not there is an error that names the output")
  func missingFolder() throws {
    let scratch = Scratch()
    do {
      try ONNXWriter.write(model(), to: scratch.file("nowhere/out.onnx"), options: options())
      Issue.record("it was written")
    } catch {
      #expect("\(error)".contains("nowhere/out.onnx") && !error.isUsageError)
    }
  }

  @Test("external data stays external, at positions whole pages apart")
  func placement() throws {
    let scratch = Scratch()
    var made = model(of: 5000)
    let value = made.addValue(named: "v")
    let tensor = RandomModel.tensor("v", .float, shape: [2000], encoding: .raw, seed: 5)
    made.graph.initializers.append(Initializer(value: value, tensor: tensor))
    try ONNXWriter.write(made, to: scratch.file("a.onnx"), options: options(external: true))
    let read = try scratch.again(try ONNXReader.read(contentsOf: scratch.file("a.onnx")), as: "b.onnx")
    #expect(try scratch.bytes(of: "a.onnx.data") == scratch.bytes(of: "b.onnx.data"))
    for (index, initializer) in read.graph.initializers.enumerated() {
      guard case .external(let place) = initializer.tensor.encoding else {
        Issue.record("it is inside")
        continue
      }
      #expect(place.location == "b.onnx.data")
      #expect(place.entries.first { $0.key == "offset" }?.value == ["0", "20480"][index])
    }
  }
}
