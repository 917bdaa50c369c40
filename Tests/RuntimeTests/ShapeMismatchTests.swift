import IR
import Operators
import TestSupport
import Testing

@testable import Runtime

/// Shapes that are declared wrongly, negative or beyond all memory are errors, and empty ones run.
@Suite("Shapes that do not fit")
struct ShapeMismatchTests {
  /// `x` holds 0 to 11, `axes` a 0, both known only when the model runs.
  private func model(_ text: String, opset: Int64 = 21) throws -> Model {
    try GraphText.model("x: float[3, 4]\naxes: int64[1]\n\(text)", opset: opset)
  }

  private func run(_ model: Model) throws -> [Tensor] {
    let results = try Session(model, options: RuntimeOptions(workers: .one)).run([
      "x": Tensor(floats: (0..<12).map { Float($0) }, shape: [3, 4]), "axes": Tensor(ints: [0], .int64),
    ])
    return try model.graph.outputs.map { try #require(results[model.name(of: $0.value)]) }
  }

  private func floats(_ tensor: Tensor) -> [Float] {
    tensor.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
  }

  private static func rounds(_ text: String) -> String { "m = Reshape(x, s<1, 3, 4>)\n\(text)\nreturn y" }

  @Test(
    "views of another shape than declared",
    arguments: [
      (rounds("y = Squeeze(m, axes)"), [200_000, 4]), (rounds("y = Squeeze(m, axes)"), [4, 3]),
      (rounds("y = Unsqueeze(x, axes)"), [1000, 3, 4]), (rounds("y = Unsqueeze(x, axes)"), [3, 1, 4]),
    ])
  func declared(_ text: String, _ shape: [Int]) throws {
    var model = try model(text)
    declare(&model, shape)
    #expect(throws: RuntimeError.self) { try run(model) }
  }

  @Test("views as declared")
  func fitting() throws {
    var model = try model(Self.rounds("y = Squeeze(m, axes)"))
    declare(&model, [3, 4])
    let results = try run(model)
    #expect(results[0].shape == [3, 4])
    #expect(floats(results[0]) == (0..<12).map { Float($0) })
  }

  private func declare(_ model: inout Model, _ shape: [Int]) {
    let sizes = shape.map { DeclaredSize(.known(Int64($0))) }
    let type = TensorType(elementType: DataType.float.rawValue, shape: sizes)
    model.graph.outputs[0].type = ValueType(tensor: type)
  }

  @Test(
    "refused",
    arguments: [
      "y = ConstantOfShape(n<35184372088832>)", "y = Expand(w[1], n<35184372088832>)",
      "y = Expand(w[1], n<35184372088832, 35184372088832>)", "y = Resize(x, _, _, n<-2, 4>)",
      "y = RoiAlign(w[1, 1, 4, 4], r[1, 4], b<0>) { output_height: -1 }",
      "y = AveragePool(w[1, 1, 0, 4]) { kernel_shape: [2, 2] }", "y = Conv(w[1, 1, 0, 4], k[1, 1, 2, 2])",
      "q = Cast(w[1, 1, 0, 4]) { to: 2 }\nk = Cast(v[1, 1, 2, 2]) { to: 2 }\ny = ConvInteger(q, k)",
      "y = Concat(x, x)", "c = Cast(x) { to: 7 }\ny = Concat(x, c) { axis: 0 }",
      "z = Constant() { value_float: 0.0 }\nn = Div(z, z)\nt = Cast(o<1>) { to: 9 }\ny = Dropout(x, n, t)",
    ])
  func refused(_ text: String) throws {
    #expect(throws: RuntimeError.self) { try run(try model("\(text)\nreturn y")) }
  }

  @Test("a fill of several elements", arguments: [0, 2, 100_000])
  func fill(_ count: Int) throws {
    var model = try model("y = ConstantOfShape(n<3>)\nreturn y")
    let value = Tensor(floats: [Float](repeating: 1, count: count), shape: [count])
    model.graph.nodes[0].setAttribute("value", .tensor(value))
    #expect(throws: RuntimeError.self) { try run(model) }
  }

  struct Case: Sendable {
    let text: String
    let shape: [Int]
    let expected: [Float]
    var opset: Int64 = 21
  }

  private static let far = """
    z = Constant() { value_float: 0.0 }
    i = Constant() { value_float: 1.0 }
    a = Constant() { value_float: 9000000000000000000.0 }
    b = Constant() { value_float: -9000000000000000000.0 }
    l = Mul(a, b)
    y = Range(z, l, i)
    """

  static let cases: [Case] = [
    Case(text: "y = Slice(x, s<-10>, e<-20>, c<0>, d<-1>)", shape: [1, 4], expected: [0, 1, 2, 3]),
    Case(
      text: "y = Slice(x, s<-1>, e<-9223372036854775808>, c<0>, d<-9223372036854775808>)", shape: [1, 4],
      expected: [8, 9, 10, 11]),
    Case(text: "y = Slice(w[0, 4], s<-10>, e<-20>, c<0>, d<-1>)", shape: [0, 4], expected: []),
    Case(text: far, shape: [0], expected: []),
    Case(
      text: "y = GroupNormalization(w[1, 0, 4], s[0], b[0]) { num_groups: 2 }", shape: [1, 0, 4], expected: []),
    Case(
      text: "y = Concat(x, x)", shape: [3, 8],
      expected: [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11], opset: 3),
  ]

  @Test("results", arguments: cases)
  func result(_ example: Case) throws {
    let results = try run(try model("\(example.text)\nreturn y", opset: example.opset))
    #expect(results[0].shape == example.shape)
    #expect(floats(results[0]) == example.expected)
  }

  @Test("a part that is left out takes its elements")
  func leftOut() throws {
    var model = try model("m = Reshape(x, s<2, 6>)\np, q, y = Split(m) { axis: 1, num_outputs: 3 }\nreturn p, y")
    model.graph.nodes[1].outputs[1] = nil
    let results = try run(model)
    #expect(floats(results[0]) == [0, 1, 6, 7])
    #expect(floats(results[1]) == [4, 5, 10, 11])
  }

  @Test("the gradient of what follows a part that is left out")
  func leftOutGradient() throws {
    var last = 3
    var context = GradientContext(
      shapes: [[2, 6], [2, 2], [2, 2], [2, 2]], types: [DataType?](repeating: .float, count: 4), contents: [:],
      wanted: [0]
    ) { _ in
      last += 1
      return ValueID(last)
    }
    context.opset = 18
    context.node = Node(inputs: [ValueID(0)], outputs: [ValueID(1), nil, ValueID(2)], opType: "Split")
    context.node.setAttribute("axis", .int(1))
    context.gradients[2] = ValueID(3)
    let split = try #require(OperatorRegistry.standard(OperatorName("Split")))
    try split.differentiate(&context)
    #expect(context.emitted.map { $0.ints("starts") } == [[0, 4]])
  }
}
