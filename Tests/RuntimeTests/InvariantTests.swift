import Analysis
import Foundation
import IR
import Passes
import Pruning
import Runtime
import TestSupport
import Testing

/// The central invariant: a pruned model computes what the original does with the removed slices set to zero.
@Suite("Invariant")
struct InvariantTests {
  /// How many networks are tried; COPPICE_RANDOM_MODELS asks for more or fewer.
  static let count = ProcessInfo.processInfo.environment["COPPICE_RANDOM_MODELS"].flatMap(Int.init) ?? 1000
  static let pieces = 8

  @Test("pruned ≡ zeroed original, for random networks and cuts", arguments: 0..<pieces)
  func invariant(piece: Int) throws {
    var cut = 0
    for seed in stride(from: piece, to: Self.count, by: Self.pieces) {
      switch Self.outcome(RandomNetwork(seed: UInt64(seed))) {
      case .equal(let groups): cut += groups
      case .failed(let reason):
        let small = Self.shrunk(RandomNetwork(seed: UInt64(seed)))
        Issue.record(
          "seed \(seed): \(reason)\nblocks \(small.blocks.map(\.name)) fail the same way:\n\(small.text)")
      }
    }
    #expect(Self.count < 100 || cut > 0)
  }

  private enum Outcome {
    /// The error is within the bound; so many groups were cut.
    case equal(groups: Int)
    case failed(String)
  }

  private static func outcome(_ network: RandomNetwork) -> Outcome {
    do {
      let model = try network.model()
      let analysis = try ModelAnalysis(model)
      var options = SelectionOptions(ratio: 0.2 + Double(network.seed % 11) * 0.05)
      options.kinds = .all
      options.roundTo = 1
      options.exactOnly = true
      let selection = try Selection(analysis: analysis, scoring: .random(seed: network.seed), options: options)
      guard !selection.decisions.isEmpty else { return .equal(groups: 0) }
      let keep = selection.keepSets(analysis)
      let pruned = try model.keeping(keep, analysis: analysis)
      let zeroed = try model.zeroing(Plan.removals(analysis, keep))
      let inputs = RandomInputs(for: [model, pruned], sizes: try InputSizes(model), seed: network.seed)
      let comparison = try OutputComparison(
        expected: zeroed, found: pruned, original: model, samples: [inputs.sample(0)])
      let error = comparison.maxRelativeError
      return error <= OutputVerification.usualTolerance
        ? .equal(groups: selection.decisions.count) : .failed("relative error \(error)")
    } catch {
      return .failed("\(error)")
    }
  }

  /// The network with every block left out that it fails without.
  private static func shrunk(_ network: RandomNetwork) -> RandomNetwork {
    var smallest = network
    for block in network.blocks {
      let kept = Set(smallest.blocks.map(\.number)).subtracting([block.number])
      let smaller = RandomNetwork(seed: network.seed, keeping: kept)
      if case .failed = outcome(smaller) { smallest = smaller }
    }
    return smallest
  }

  @Test("of a shared vector, the use that is cut gets a copy of its own")
  func sharedVector() throws {
    let model = try GraphText.model(
      """
      x: float[1, 3]
      a = Gemm(x, w1[3, 4], b[4])
      c = Gemm(a, w2[4, 4], b)
      return c
      """)
    let zeroed = try model.zeroing([Plan.Removal(tensor: "b", axis: 0, indices: [1], node: "a")])
    let nodes = zeroed.graph.nodes
    #expect(nodes[0].input(2) != nodes[1].input(2))
    #expect(nodes[1].input(2) == model.graph.nodes[1].input(2))
    let copy = try #require(zeroed.graph.initializers.first { $0.value == nodes[0].input(2) })
    let floats = copy.tensor.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(floats?[1] == 0)
    #expect(floats?[0] != 0)
  }

  @Test("a tensor behind a constant node is zeroed there")
  func constantNode() throws {
    let model = try GraphText.model(
      """
      x: float[1, 3]
      y = MatMul(x, !w[3, 4])
      return y
      """)
    let zeroed = try model.zeroing([Plan.Removal(tensor: "w", axis: 1, indices: [0, 3], node: nil)])
    guard case .tensor(let tensor)? = zeroed.graph.nodes[0].attribute("value") else {
      Issue.record("the constant holds no tensor")
      return
    }
    let floats = tensor.contiguousBytes()?.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) } ?? []
    #expect((0..<3).allSatisfy { floats[$0 * 4] == 0 && floats[$0 * 4 + 1] != 0 && floats[$0 * 4 + 3] == 0 })
  }

  @Test("zero of quantized numbers is their zero point")
  func zeroPoint() throws {
    var model = try GraphText.model(
      """
      x: float[1, 3]
      w = DequantizeLinear(q<1, 2>, s[1]+, z<3>)
      y = MatMul(x, w)
      return y
      """)
    func bytes(_ numbers: [UInt8], _ shape: [Int]) -> Tensor {
      Tensor(dataType: .uint8, shape: shape, storage: .bytes(ByteRegion(copying: numbers)))
    }
    for index in model.graph.initializers.indices {
      switch model.name(of: model.graph.initializers[index].value) {
      case "q": model.graph.initializers[index].tensor = bytes([1, 2, 3, 4, 5, 6], [3, 2])
      case "z": model.graph.initializers[index].tensor = bytes([128], [])
      default: continue
      }
    }
    let zeroed = try model.zeroing([Plan.Removal(tensor: "q", axis: 0, indices: [1], node: nil)])
    let found = zeroed.graph.initializers[0].tensor.contiguousBytes()?.withUnsafeBytes { Array($0) }
    #expect(found == [1, 2, 128, 128, 5, 6])
  }

  @Test("a plan that names what is not there is refused")
  func unknownTensor() throws {
    let model = try GraphText.model("x: float[1, 3]\ny = MatMul(x, w[3, 4])\nreturn y")
    #expect(throws: PlanError.self) {
      try model.zeroing([Plan.Removal(tensor: "v", axis: 0, indices: [0], node: nil)])
    }
    #expect(throws: PlanError.self) {
      try model.zeroing([Plan.Removal(tensor: "w", axis: 1, indices: [4], node: nil)])
    }
  }
}
