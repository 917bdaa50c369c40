import Passes
import TestSupport
import Testing

@Suite("prune")
struct PruneTests {
  static let chain = """
    x: float[1, 3, 8, 8]
    a = Conv(x, w1[64, 3, 3, 3], b1[64])
    r = Relu(a)
    y = Conv(r, w2[4, 64, 1, 1])
    return y
    """

  private func prune(ratio: Double) -> PrunePass {
    PrunePass(SelectionOptions(ratio: ratio))
  }

  @Test("half of the channels go, and the report holds the plan")
  func half() throws {
    var model = try GraphText.model(Self.chain)
    let record = try run(prune(ratio: 0.5), on: &model)
    #expect(model.graph.initializers.map(\.tensor.shape) == [[32, 3, 3, 3], [32], [4, 32, 1, 1]])
    #expect(record.report.plan?.groups.map(\.keep.count) == [32])
    #expect(record.after.bytes < record.before.bytes)
  }

  @Test("nothing to prune is an error of its own")
  func nothing() throws {
    var model = try GraphText.model("x: float[1, 3, 8, 8]\ny = Conv(x, w[4, 3, 1, 1])\nreturn y")
    #expect { try run(prune(ratio: 0.5), on: &model) } throws: { error in
      guard case PassError.nothingPruned = error else { return false }
      return true
    }
  }

  @Test("what was pruned verifies, and a model that lost another slice does not")
  func verify() throws {
    let original = try GraphText.model(Self.chain)
    let context = Context(model: original, source: Context.Source(path: "model.onnx"))
    var model = original
    let records = try Pipeline([prune(ratio: 0.5), VerifyPass()]).run(&model, in: context)
    #expect(records.map(\.name) == ["prune", "verify"])
    var other = try GraphText.model(Self.chain.replacing("w2[4", with: "w2[5"))
    #expect(throws: PassError.self) { try Pipeline([VerifyPass()]).run(&other, in: context) }
  }

  @Test("slices the model does not have are told, not cut", arguments: [-1, 4, 99])
  func strangeSlices(axis: Int) throws {
    let model = try GraphText.model(Self.chain)
    let removal = Plan.Removal(tensor: "w1", axis: axis, indices: [], node: nil)
    #expect(SizeComparison.differences(model, model, removals: [removal]).count == 1)
  }

  @Test("scoring reports how far it is")
  func progress() throws {
    let counter = Counter()
    var model = try GraphText.model(Self.chain)
    var context = Context(model: model, source: Context.Source(path: "model.onnx"))
    context.progress = ProgressHandler { if $0.phase == "scoring" { counter.add() } }
    try Pipeline([prune(ratio: 0.5)]).run(&model, in: context)
    #expect(counter.count == 1)
  }

  @Test("a cancelled pipeline stops before the next pass")
  func cancellation() throws {
    var model = try GraphText.model(Self.chain)
    var context = Context(model: model, source: Context.Source(path: "model.onnx"))
    context.cancellation = Cancellation { true }
    #expect(throws: PassError.self) { try Pipeline([FoldIdentityPass()]).run(&model, in: context) }
  }
}
