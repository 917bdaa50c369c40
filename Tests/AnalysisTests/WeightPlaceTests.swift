import Analysis
import IR
import TestSupport
import Testing

@Suite("Where weights stand")
struct WeightPlaceTests {
  private func groups(_ text: String, change: (inout Model) -> Void = { _ in }) throws -> [String] {
    var model = try GraphText.model(text)
    change(&model)
    let analysis = try ModelAnalysis(model)
    return analysis.groups.map { group in
      let members = group.members.map { "\(analysis.weights[$0.weight].name).\($0.axis)" }
      return "\(group.size): \(members.joined(separator: " "))"
    }
  }

  @Test(
    "a matrix is found behind the operators exporters leave in front of it",
    arguments: [
      "m = Transpose(w1[8, 6]) { perm: [1, 0] }",
      "m = Identity(w1[6, 8])",
      "m = Cast(w1[6, 8]) { to: 1 }",
      "m = Squeeze(w1[1, 6, 8], ax<0>)",
      "m = Reshape(w1[48], s<6, 8>)",
      "m = Mul(w1[6, 8], scale[1])",
    ])
  func detour(_ line: String) throws {
    let found = try groups(
      """
      x: float[1, 6]
      \(line)
      a = MatMul(x, m)
      y = MatMul(a, w2[8, 3])
      return y
      """)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix("8: w1.") == true)
    #expect(found.first?.contains("w2.0") == true)
  }

  private static let plain = """
    x: float[1, 6]
    a = MatMul(x, w1[6, 8])
    y = MatMul(a, w2[8, 3])
    return y
    """

  @Test("a weight that callers may replace is fixed, except where the format made it an input")
  func graphInput() throws {
    func listed(version: Int64) throws -> [String] {
      try groups(Self.plain) { model in
        model.irVersion = version
        let type = TensorType(elementType: 1, shape: [DeclaredSize(.known(6)), DeclaredSize(.known(8))])
        model.graph.inputs.append(
          ValueInfo(value: model.graph.initializers[0].value, type: ValueType(tensor: type)))
      }
    }
    #expect(try listed(version: 8).isEmpty)
    #expect(try listed(version: 3) == ["8: w1.1 w2.0"])
  }

  @Test("a weight that is a graph output is fixed")
  func graphOutput() throws {
    let found = try groups(Self.plain) { model in
      model.graph.outputs.append(ValueInfo(value: model.graph.initializers[0].value, type: nil))
    }
    #expect(found.isEmpty)
  }
}
