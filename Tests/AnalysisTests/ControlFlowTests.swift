import Analysis
import IR
import TestSupport
import Testing

@Suite("Control flow")
struct ControlFlowTests {
  /// A model whose nodes from `first` on become the body of a node at their place.
  private func groups(_ model: Model) throws -> [String] {
    let analysis = try ModelAnalysis(model)
    return analysis.groups.map { group in
      let members = group.members.map { "\(analysis.weights[$0.weight].name).\($0.axis)" }
      return "\(group.size): \(members.joined(separator: " "))"
    }
  }

  private func info(_ value: ValueID?) throws -> ValueInfo { ValueInfo(value: try #require(value), type: nil) }

  /// Moves the nodes at `range` into the attribute `body` of the node behind them.
  private func enclose(_ model: inout Model, _ range: Range<Int>, inputs: [ValueID?], outputs: [ValueID?]) throws {
    let body = Graph(
      name: "body", nodes: Array(model.graph.nodes[range]), inputs: try inputs.map(info), outputs: try outputs.map(info)
    )
    model.graph.nodes[range.upperBound].setAttribute("body", .graph(body))
    model.graph.nodes.removeSubrange(range)
  }

  @Test("a hidden width goes round a scan")
  func scan() throws {
    var model = try GraphText.model(
      """
      x: float[7, 1, 6]
      state, slice = Placeholder()
      a = MatMul(slice, wx[6, 8])
      b = MatMul(state, wh[8, 8])
      s = Add(a, b)
      h = Tanh(s)
      z = Identity(h)
      last, all = Scan(h0[1, 8], x) { num_scan_inputs: 1 }
      y = MatMul(all, w[8, 3])
      return y
      """)
    let holder = model.graph.nodes.removeFirst()
    let (h, z) = (model.graph.nodes[3].outputs[0], model.graph.nodes[4].outputs[0])
    try enclose(&model, 0..<5, inputs: holder.outputs, outputs: [h, z])
    #expect(try groups(model) == ["8: wx.1 wh.0 wh.1 h0.1 w.0"])
  }

  @Test("a loop's state that grows fixes only the axis it grows along")
  func growing() throws {
    var model = try GraphText.model(
      """
      x: float[1, 6]
      number, go, state = Placeholder()
      a = MatMul(x, w1[6, 8])
      grown = Concat(state, a) { axis: 0 }
      still = Identity(go)
      last = Loop(trips<3>, _, h0[1, 8])
      y = MatMul(last, w2[8, 3])
      return y
      """)
    let holder = model.graph.nodes.removeFirst()
    let (grown, still) = (model.graph.nodes[1].outputs[0], model.graph.nodes[2].outputs[0])
    try enclose(&model, 0..<3, inputs: holder.outputs, outputs: [still, grown])
    let analysis = try ModelAnalysis(model)
    let last = try #require(model.graph.nodes[0].outputs[0])
    #expect(analysis.facts[last.index].shape?.count == 2)
    #expect(analysis.facts[last.index].shape?[0].known == nil)
    #expect(try groups(model) == ["8: w1.1 h0.1 w2.0"])
  }
}
