import Analysis
import IR
import TestSupport
import Testing

/// The message of the error a model makes.
private func error(_ text: String, change: (inout Model) -> Void = { _ in }) throws -> String? {
  var model = try GraphText.model(text)
  change(&model)
  do {
    _ = try ModelAnalysis(model)
    return nil
  } catch {
    return "\(error)"
  }
}

@Suite struct ContradictionTests {
  private let text = """
    x: float[1, 3, 8, 8]
    y = Conv(x, w[16, 3, 1, 1])
    return y
    """

  private func declared(_ sizes: [Int64], type: DataType = .float) throws -> String? {
    try error(text) {
      let tensor = TensorType(elementType: type.rawValue, shape: sizes.map { DeclaredSize(.known($0)) })
      $0.graph.outputs[0].type = ValueType(tensor: tensor)
    }
  }

  @Test("a declared output that is none of what the nodes make is refused")
  func outputs() throws {
    #expect(try declared([1, 16, 8, 8]) == nil)
    #expect(try declared([1, 15, 8, 8])?.contains("15 along axis 1 but has 16") == true)
    #expect(try declared([1, 16, 8])?.contains("3 axes but has 4") == true)
    #expect(try declared([1, 16, 8, 8], type: .double)?.contains("declared as double but is float") == true)
  }

  @Test("a size nobody can allocate counts as unknown")
  func absurdSizes() throws {
    let found = try error(
      """
      x: float[1, 9223372036854775807]
      a, b = Split(x) { axis: 1 }
      return a
      """)
    #expect(found == nil)
  }

  @Test(
    "ranges count without overflow", arguments: [("0", "9223372036854775807", "7"), ("9", "0", "-4"), ("3", "3", "1")])
  func ranges(start: String, limit: String, delta: String) throws {
    let model = try GraphText.model("r = Range(a<\(start)>, b<\(limit)>, c<\(delta)>)\nreturn r")
    let shape = try #require(try ModelAnalysis(model).facts[model.graph.outputs[0].value.index].shape)
    let count = ["0": nil, "9": 3, "3": 0][start] ?? nil
    #expect(shape.first?.known == count)
  }

  @Test("parts that sum to more than can be counted are refused")
  func parts() throws {
    let found = try error(
      """
      x: float[1, 3, 8, 8]
      c = Conv(x, w[16, 3, 1, 1])
      a, b = Split(c, parts<9223372036854775807, 9>) { axis: 1 }
      y = Concat(b, a) { axis: 1 }
      return y
      """)
    #expect(found?.contains("more than can be counted") == true, "\(found ?? "no error")")
  }

  @Test("a constant without a value is refused")
  func constant() throws {
    let found = try error("y = Constant()\nreturn y")
    #expect(found?.contains("no value") == true, "\(found ?? "no error")")
  }
}
