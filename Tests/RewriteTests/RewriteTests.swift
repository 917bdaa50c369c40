import Analysis
import Dimensions
import IR
import Operators
import Pruning
import TestSupport
import Testing

@Suite("Rewriting")
struct RewriteTests {
  /// The model with the first half of every group kept.
  private func halved(_ model: Model) throws -> Model {
    let analysis = try ModelAnalysis(model)
    var keep = KeepSets()
    for group in analysis.groups { keep[group.dimension] = Array(0..<Int32(group.size / 2)) }
    return try model.keeping(keep, analysis: analysis)
  }

  private func shapes(_ graph: Graph, _ model: Model) -> [String: [Int]] {
    Dictionary(uniqueKeysWithValues: graph.initializers.map { (model.name(of: $0.value), $0.tensor.shape) })
  }

  @Test("a reshape's old target goes with its last use")
  func oldTargetGoes() throws {
    let model = try GraphText.model(
      """
      x: float[1, 4, 6]
      a = MatMul(x, w1[6, 8])
      r = Reshape(a, s<1, 32>)
      y = MatMul(r, w2[32, 3])
      return y
      """)
    let pruned = try halved(model)
    let found = shapes(pruned.graph, pruned)
    #expect(found["s"] == nil)
    #expect(found["w1"] == [6, 4])
    #expect(found["w2"] == [16, 3])
    #expect(found.count == 3)
  }

  @Test("shape arithmetic that only fed a replaced target goes too")
  func deadArithmeticGoes() throws {
    let model = try GraphText.model(
      """
      x: float[1, 4, 6]
      a = MatMul(x, w1[6, 8])
      s = Shape(a)
      n = Gather(s, i<2>)
      t = Concat(one<1>, m<-1>, n) { axis: 0 }
      r = Reshape(x, u<1, 4, 6>)
      b = MatMul(r, w3[6, 16])
      z = Reshape(b, t2<1, 8, 8>)
      q = Reshape(z, t)
      c = Relu(q)
      y = MatMul(c, w2[8, 3])
      return y
      """)
    let pruned = try halved(model)
    for node in pruned.graph.nodes {
      for case let input? in node.inputs {
        let isDefined =
          pruned.graph.inputs.contains { $0.value == input } || pruned.graph.initializers.contains { $0.value == input }
          || pruned.graph.nodes.contains { $0.outputs.contains(input) }
        #expect(isDefined, "\(pruned.name(of: input)) is read and nowhere defined")
      }
    }
  }

  @Test("what was unused before stays")
  func unusedStays() throws {
    var model = try GraphText.model(
      """
      x: float[1, 6]
      a = MatMul(x, w1[6, 8])
      y = MatMul(a, w2[8, 3])
      return y
      """)
    let spare = model.addValue(named: "spare")
    model.graph.initializers.append(Initializer(value: spare, tensor: Tensor(name: "spare", int64s: [1])))
    #expect(shapes(try halved(model).graph, try halved(model))["spare"] == [1])
  }

  @Test("nodes out of order come out in order")
  func unsorted() throws {
    var model = try GraphText.model(
      """
      x: float[1, 6]
      a = MatMul(x, w1[6, 8])
      r = Relu(a)
      y = MatMul(r, w2[8, 3])
      return y
      """)
    model.graph.nodes.reverse()
    let pruned = try halved(model)
    #expect(pruned.graph.nodes.map(\.opType) == ["MatMul", "Relu", "MatMul"])
    #expect(shapes(pruned.graph, pruned)["w1"] == [6, 4])
  }

  @Test("a size that enters arithmetic keeps its value")
  func frozenSize() throws {
    let model = try GraphText.model(
      """
      x: float[1, 6]
      a = MatMul(x, w1[6, 8])
      s = Shape(a)
      n = Gather(s, i<1>)
      f = Cast(n) { to: 1 }
      d = Div(a, f)
      y = MatMul(d, w2[8, 3])
      return y
      """)
    let pruned = try halved(model)
    let frozen = try #require(pruned.graph.initializers.first { pruned.name(of: $0.value).contains("frozen") })
    #expect(frozen.tensor.smallContents?.compactMap(\.size?.known) == [8] || frozen.tensor.dataType == .float)
    #expect(!pruned.graph.nodes.contains { $0.opType == "Shape" })
  }

  @Test("a vector in value_floats is cut where it is")
  func valueFloats() throws {
    var model = try GraphText.model(
      """
      x: float[1, 6]
      b = Constant()
      a = MatMul(x, w1[6, 4])
      c = Add(a, b)
      y = MatMul(c, w2[4, 3])
      return y
      """)
    model.graph.nodes[0].setAttribute("value_floats", .floats([1, 2, 3, 4]))
    let pruned = try halved(model)
    guard case .tensor(let tensor) = pruned.graph.nodes[0].attribute("value") else {
      Issue.record("the constant holds no tensor")
      return
    }
    #expect(tensor.shape == [2])
    #expect(pruned.graph.nodes[0].attributes.count == 1)
  }

  @Test("a size keeps its first value in whatever type it enters the arithmetic", arguments: [2, 3, 6, 7])
  func frozenTypes(type: Int32) throws {
    let model = try GraphText.model(Self.castSize(to: type))
    let pruned = try halved(model)
    #expect(shapes(pruned.graph, pruned)["up"] == [16, 16])
    let frozen = try #require(pruned.graph.initializers.first { pruned.name(of: $0.value).hasSuffix("_frozen") })
    // Little-endian: the first byte is the number.
    #expect(frozen.tensor.dataType.rawValue == type)
    #expect(frozen.tensor.contiguousBytes()?.withUnsafeBytes { $0.first } == 32)
  }

  @Test("a size in a type that is not followed stays whole", arguments: [5, 12])
  func unfollowedTypes(type: Int32) throws {
    let pruned = try halved(try GraphText.model(Self.castSize(to: type)))
    #expect(shapes(pruned.graph, pruned)["up"] == [16, 32])
  }

  /// A hidden width of 32 whose size, cast to a type and then to float, scales it.
  private static func castSize(to type: Int32) -> String {
    """
    x: float[3, 16]
    h = MatMul(x, up[16, 32])
    s = Shape(h)
    n = Gather(s, i<1>)
    c = Cast(n) { to: \(type) }
    f = Cast(c) { to: 1 }
    d = Mul(h, f)
    y = MatMul(d, down[32, 5])
    return y
    """
  }

  @Test("a node that reads a vector at two inputs cuts it once")
  func vectorReadTwice() throws {
    let model = try GraphText.model(
      """
      x: float[3, 8]
      e = Einsum(v[8], v) { equation: "i,j->ij" }
      w = MatMul(up[16, 8], e)
      z = MatMul(w, down[8, 5])
      o = MatMul(x, e)
      y = MatMul(o, last[8, 4])
      return y, z
      """)
    let analysis = try ModelAnalysis(model)
    let uses = analysis.weights.filter { $0.name == "v" }
    #expect(uses.count == 1)
  }
}
