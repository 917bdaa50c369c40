import IR
import TestSupport
import Testing

@testable import Runtime

/// Operators whose results are small enough to be written down.
@Suite("Results of operators")
struct OperatorResultTests {
  /// A graph, and the elements of its outputs.
  struct Case: CustomTestStringConvertible, Sendable {
    let text: String
    let expected: [[Double]]
    let shapes: [[Int]]?
    let opset: Int64

    init(_ text: String, _ expected: [Double]..., shapes: [[Int]]? = nil, opset: Int64 = 18) {
      self.text = text
      self.expected = expected
      self.shapes = shapes
      self.opset = opset
    }

    var testDescription: String { text.split(separator: "\n").joined(separator: "; ") }
  }

  static let choosingCases: [Case] = [
    Case("y = NonZero(x)\nreturn y", [0, 2, 3], shapes: [[1, 3]]),
    Case("m = Reshape(x, s<2, 2>)\ny = NonZero(m)\nreturn y", [0, 1, 1, 0, 0, 1], shapes: [[2, 3]]),
    Case("c = Cast(x) { to: 9 }\ny = Compress(k<5, 6, 7, 8, 9>, c)\nreturn y", [5, 7, 8]),
    Case(
      "m = Reshape(k<1, 2, 3, 4, 5, 6>, s<2, 3>)\nc = Cast(x) { to: 9 }\ny = Compress(m, c) { axis: -1 }\nreturn y",
      [1, 3, 4, 6], shapes: [[2, 2]]),
    Case(
      "y, f, i, c = Unique(x)\nreturn y, f, i, c", [-1, 0, 3], [3, 1, 0], [2, 1, 2, 0], [1, 1, 2]),
    Case(
      "y, f, i, c = Unique(x) { sorted: 0 }\nreturn y, f, i, c", [3, 0, -1], [0, 1, 3], [0, 1, 0, 2], [2, 1, 1]),
    Case("m = Reshape(x, s<4, 1>)\ny, f, i, c = Unique(m) { axis: 0 }\nreturn y", [-1, 0, 3], shapes: [[3, 1]]),
    Case("y = OneHot(x, d<3>, v<0, 7>)\nreturn y", [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 7], shapes: [[4, 3]]),
    Case("y = OneHot(x, d<2>, v<0, 7>) { axis: 0 }\nreturn y", [0, 7, 0, 0, 0, 0, 0, 7], shapes: [[2, 4]]),
  ]

  static let movingCases: [Case] = [
    Case(
      "m = Reshape(k<1, 2, 3, 4, 5, 6>, s<3, 2>)\ny = ReverseSequence(m, l<3, 2>)\nreturn y", [5, 4, 3, 2, 1, 6]),
    Case(
      "m = Reshape(k<1, 2, 3, 4, 5, 6>, s<2, 3>)\ny = ReverseSequence(m, l<1, 3>) { batch_axis: 0, time_axis: 1 }\nreturn y",
      [1, 2, 3, 6, 5, 4]),
    Case("y = CenterCropPad(x, s<1>)\nreturn y", [0]),
    Case("y = CenterCropPad(x, s<7>)\nreturn y", [0, 3, 0, 3, -1, 0, 0]),
    Case("m = Reshape(x, s<2, 2>)\ny = EyeLike(m) { k: -1 }\nreturn y", [0, 0, 1, 0]),
    Case("m = Reshape(x, s<2, 2>)\ny = EyeLike(m) { k: 9223372036854775807 }\nreturn y", [0, 0, 0, 0]),
    Case(
      "m = Reshape(x, s<1, 4, 1>)\nu = Reshape(k<7, 8>, t<1, 2, 1>)\ny = TensorScatter(m, u, w<3>) { mode: \"circular\" }\nreturn y",
      [8, 0, 3, 7], opset: 24),
    Case("y = ScatterElements(x, i<1, 1>, u<5, 6>) { reduction: \"add\" }\nreturn y", [3, 11, 3, -1]),
    Case("y = ScatterElements(x, i<-1, 0>, u<5, 1>) { reduction: \"max\" }\nreturn y", [3, 0, 3, 5]),
  ]

  /// Attributes and inputs as large as their types allow.
  static let extremeCases: [Case] = [
    Case("y = BitShift(x, k<-1, 64, -64, -1>) { direction: \"RIGHT\" }\nreturn y", [0, 0, 0, -1]),
    Case("y = BitShift(x, k<-1, 64, 1, 1>) { direction: \"LEFT\" }\nreturn y", [0, 0, 6, -2]),
    Case("m = Reshape(x, s<2, 2>)\ny = Trilu(m, k<9223372036854775807>)\nreturn y", [0, 0, 0, 0]),
    Case("m = Reshape(x, s<2, 2>)\ny = Trilu(m, k<-9223372036854775807>)\nreturn y", [3, 0, 3, -1]),
    Case("m = Reshape(x, s<2, 2>)\ny = Trilu(m, k<9223372036854775807>) { upper: 0 }\nreturn y", [3, 0, 3, -1]),
    Case("y = Slice(x, a<1>, b<9223372036854775807>, c<0>, d<9223372036854775807>)\nreturn y", [0]),
    Case("y = Slice(x, a<-1>, b<-9223372036854775807>, c<0>, d<-9223372036854775807>)\nreturn y", [-1]),
    Case("y = Slice(x, a<3>, b<-9223372036854775807>, c<0>, d<-2>)\nreturn y", [-1, 0]),
  ]

  /// Scales are floats, though no float is a tenth of a whole number.
  static let scalings: [(scale: String, expected: [Double])] = [
    ("0.7", [0, 1, 2, 4, 5, 7, 8]), ("0.6", [0, 1, 3, 5, 6, 8]), ("1.3", [0, 0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9]),
  ]

  static let scalingCases: [Case] = scalings.map { scaling in
    Case(
      """
      f = Cast(k<0, 1, 2, 3, 4, 5, 6, 7, 8, 9>) { to: 1 }
      c = Constant() { value_float: \(scaling.scale) }
      s = Reshape(c, one<1>)
      y = Resize(f, _, s) { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }
      return y
      """, scaling.expected, shapes: [[scaling.expected.count]])
  }

  @Test("sizes by scales", arguments: scalingCases)
  func scaling(_ example: Case) throws { try check(example) }

  @Test("operators that choose", arguments: choosingCases)
  func choosing(_ example: Case) throws { try check(example) }

  @Test("operators that move", arguments: movingCases)
  func moving(_ example: Case) throws { try check(example) }

  @Test("numbers at the ends of their range", arguments: extremeCases)
  func extremes(_ example: Case) throws { try check(example) }

  @Test(
    "what cannot be is an error",
    arguments: [
      "s = Squeeze(k<7>)\ny = Gather(s, x)\nreturn y", "y = Slice(x, a<0>, b<4>, c<0>, d<0>)\nreturn y",
      "y, i, j = TopK(x, k<2>)\nreturn j", "y = Slice(x, a<0, 1>, b<4, 5>, c<0>)\nreturn y",
      "s = Squeeze(k<7>)\ny = ScatterElements(s, s, s)\nreturn y", "y = ReverseSequence(x, l<1>)\nreturn y",
      "m = Reshape(x, s<2, 2>)\ny = ReverseSequence(m, l<3, 1>)\nreturn y", "y = OneHot(x, d<-1>, v<0, 1>)\nreturn y",
      "y = Einsum(x, x) { equation: \"i,ij->\" }\nreturn y", "y = Einsum(x) { equation: \"i->ii\" }\nreturn y",
    ])
  func impossible(_ text: String) throws {
    #expect(throws: RuntimeError.self) { try outputs(text, opset: 18) }
  }

  private func check(_ example: Case) throws {
    let found = try outputs(example.text, opset: example.opset)
    #expect(found.map(\.doubles) == example.expected)
    if let shapes = example.shapes { #expect(found.map(\.shape) == shapes) }
  }

  /// `x` is the vector 3, 0, 3, −1, known only when the model runs.
  private func outputs(_ text: String, opset: Int64) throws -> [Tensor] {
    let model = try GraphText.model("x: int64[4]\n" + text, opset: opset)
    let outputs = try Session(model, options: RuntimeOptions(workers: .one)).run([
      "x": Tensor(ints: [3, 0, 3, -1], .int64)
    ])
    return try model.graph.outputs.map { try #require(outputs[model.name(of: $0.value)]) }
  }
}

extension Tensor {
  fileprivate var doubles: [Double] {
    let elements = contiguousBytes()
    return elements?.withUnsafeBytes { bytes in
      switch dataType {
      case .int64: bytes.bindMemory(to: Int64.self).map { Double($0) }
      case .float: bytes.bindMemory(to: Float.self).map { Double($0) }
      default: []
      }
    } ?? []
  }
}
