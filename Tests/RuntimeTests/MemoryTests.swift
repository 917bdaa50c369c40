import IR
import TestSupport
import Testing

@testable import Runtime

/// What programs take: no more than they need, as much as they say, and an error where there is no memory.
@Suite("Memory of programs")
struct MemoryTests {
  private func report(_ text: String, _ shapes: [String: [Int]]) throws -> MemoryReport {
    try Session(try GraphText.model(text)).memory(for: shapes.mapValues { (.float, $0) })
  }

  private func message(_ text: String, _ inputs: [String: Tensor]) throws -> String {
    let session = try Session(try GraphText.model(text), options: RuntimeOptions(workers: .one))
    do throws(RuntimeError) {
      _ = try session.run(inputs)
      return ""
    } catch {
      return error.description
    }
  }

  private func program(_ text: String, _ shapes: [String: [Int]]) throws -> Program {
    let model = try GraphText.model(text)
    var inputs: [ValueID: (type: DataType, shape: [Int])] = [:]
    for info in model.graph.inputs { inputs[info.value] = (.float, shapes[model.name(of: info.value)] ?? []) }
    return try Program(
      try ProgramCompiler(
        try BoundModel(model, inputs: inputs, registry: .runtime), inputs: model.graph.inputs.map(\.value),
        outputs: model.graph.outputs.map(\.value), givens: .init(), constants: ConstantPool(), options: .init()))
  }

  // MARK: Too much

  @Test("a plan that no machine has memory for is an error that says how much")
  func largePlan() throws {
    let message = try message(
      "x: float[1]\ns = ConstantOfShape(k<1048576, 1048576>)\ny = Add(s, x)\nreturn y",
      ["x": Tensor(floats: [1], shape: [1])])
    #expect(message.contains("takes 4398046511104 bytes of memory, which this machine does not have"))
    #expect(!message.contains("\n"))
  }

  @Test("a tensor that no memory holds is an error that names its node")
  func largeTensor() throws {
    for sizes in [[1 << 20, 1 << 20], [1 << 30, 1 << 30]] {
      let message = try message(
        "k: int64[2]\ns = ConstantOfShape(k)\ny = Neg(s)\nreturn y", ["k": Tensor(ints: sizes, .int64)])
      #expect(message.contains("s (ConstantOfShape)"))
    }
    let message = try message(
      "x: float[1]\ns = ConstantOfShape(k<1073741824, 1073741824>)\ny = Add(s, x)\nreturn y",
      ["x": Tensor(floats: [1], shape: [1])])
    #expect(message.contains("s (ConstantOfShape)"))
  }
}
