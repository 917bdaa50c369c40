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

  // MARK: Folding

  @Test("what is much larger than what it is made of is computed in place, not kept")
  func growth() throws {
    let adds = (0..<12).map { "a\($0 + 1) = Add(a\($0), one[1])" }.joined(separator: "\n")
    let report = try report(
      "x: float[1]\na0 = ConstantOfShape(k<4096, 4096>)\n\(adds)\ny = Add(a12, x)\nreturn y", ["x": [1]])
    #expect(report.peakBytes < (64 << 20) + 4096)
  }

  @Test("of a chain of folded nodes only the last result is kept")
  func chain() throws {
    let adds = (0..<12).map { "a\($0 + 1) = Add(a\($0), one[1])" }.joined(separator: "\n")
    let report = try report(
      "x: float[1]\na0 = ConstantOfShape(k<512, 512>)\n\(adds)\ny = Add(a12, x)\nreturn y", ["x": [1]])
    #expect(report.parameterBytes == 1 << 20)
  }

  // MARK: Reports

  @Test("a report counts what folding made of a weight, and each weight once")
  func report() throws {
    #expect(
      try report("x: float[4]\nw = Cast(q<1, 2, 3, 4>) { to: 1 }\ny = Mul(x, w)\nreturn y", ["x": [4]]).parameterBytes
        == 16)
    #expect(
      try report(
        "x: float[4, 8]\nv = Reshape(w[32], s<4, 8>)\na = Mul(x, v)\nb = Reshape(w, t<8, 4>)\ny = MatMul(a, b)\nreturn y",
        ["x": [4, 8]]
      ).parameterBytes == 128)
    #expect(
      try report("x: float[4]\na = Add(x, w[4])\nb = Add(a, w)\ny = Mul(b, u[4])\nreturn y", ["x": [4]]).parameterBytes
        == 32)
  }

  @Test("activations are told in full, though gradients take over memory that they leave")
  func training() throws {
    let model = try GraphText.model(
      "i: int64[4096]\ne = Gather(w[4096, 64], i)\na = Sigmoid(e)\nb = Sigmoid(a)\ny = ReduceSum(b) { keepdims: 0 }\n"
        + "return y")
    let memory = try TrainingProgram(
      model, minimizing: .loss(model.graph.outputs[0].value), parameters: try Parameters(of: model),
      inputShapes: ["i": [4096]]
    ).memory
    #expect(memory.gradientBytes == 1 << 20)
    #expect(memory.activationBytes >= 2 << 20)
    #expect(memory.activationBytes > memory.peakBytes - memory.parameterBytes - memory.gradientBytes)
  }

  // MARK: Programs that are kept

  @Test("programs that have not been used for longest go first where they become many or large")
  func cache() throws {
    let text = "x: float[N]\na = Exp(x)\ny = Softmax(a)\nz = Sub(a, y)\nreturn z"
    var cache = ProgramCache<Int>(countLimit: 3, byteLimit: 1 << 20)
    for size in 1...3 { cache.insert(.init(try program(text, ["x": [size]])), for: size) }
    #expect(cache.entry(for: 1) != nil)
    cache.insert(.init(try program(text, ["x": [4]])), for: 4)
    #expect(cache.count == 3)
    #expect(cache.entry(for: 1) != nil)
    #expect(cache.entry(for: 2) == nil)
    cache.insert(.init(try program(text, ["x": [1 << 20]])), for: 1 << 20)
    #expect(cache.count == 1)
    #expect(cache.entry(for: 1 << 20) != nil)
  }
}
