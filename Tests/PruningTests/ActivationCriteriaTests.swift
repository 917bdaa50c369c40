import Analysis
import IR
import Pruning
import TestSupport
import Testing

/// Scores from what readers' inputs are like, against numbers worked out by hand.
@Suite("Activation criteria")
struct ActivationCriteriaTests {
  /// A model with made-up statistics of what its layers read.
  private struct Case {
    let analysis: ModelAnalysis
    let layers: LinearLayers
    private(set) var evidence = Evidence()

    init(_ text: String, filling numbers: [String: [Float]] = [:]) throws {
      var model = try GraphText.model(text)
      for (name, values) in numbers { model.fill(name, values) }
      analysis = try ModelAnalysis(model)
      layers = LinearLayers(model, analysis)
      evidence.layers = layers
    }

    /// Says what the input of a layer is like; of what is left out all channels are alike.
    mutating func measure(
      _ layer: Int, mean: [Double]? = nil, meanMagnitude: [Double]? = nil, meanSquare: [Double]? = nil,
      zeroShare: [Double]? = nil
    ) {
      let count = [mean, meanMagnitude, meanSquare, zeroShare].compactMap { $0?.count }.first ?? 0
      let same = [Double](repeating: 0, count: count)
      evidence.inputs[layer] = ChannelStatistics(
        count: 10, mean: mean ?? same, meanMagnitude: meanMagnitude ?? same, meanSquare: meanSquare ?? same,
        zeroShare: zeroShare ?? same)
    }

    /// The scores of the group that an axis of a weight is part of.
    func scores(
      _ criterion: String, of weight: String, axis: Int, aggregation: Aggregation = .mean
    ) throws -> [Float] {
      let group = try #require(
        analysis.groups.first { group in
          group.members.contains { analysis.weights[$0.weight].name == weight && $0.axis == axis }
        })
      let context = ScoringContext(analysis: analysis, aggregation: aggregation, evidence: evidence)
      let scores = try #require(Criteria.named(criterion)).scores(for: group, in: context)
      #expect(context.fallbacks.isEmpty)
      return scores
    }
  }

  /// Three channels that rows (1, 0), (0, 3), (2, 0) of `b` read.
  private func pair() throws -> Case { try Case(Graphs.pair, filling: Graphs.pairNumbers) }

  @Test("activation is the mean magnitude of what is read")
  func activation() throws {
    var pair = try pair()
    pair.measure(1, meanMagnitude: [0.5, 2, 1])
    #expect(isClose(try pair.scores("activation", of: "b", axis: 0), [0.5, 2, 1]))
  }

  @Test("apoz is the share of what is not zero")
  func nonzeroShare() throws {
    var pair = try pair()
    pair.measure(1, zeroShare: [0.9, 0, 0.25])
    #expect(isClose(try pair.scores("apoz", of: "b", axis: 0), [0.1, 1, 0.75]))
  }

  @Test("wanda is the mean of a column's magnitudes times the root mean square of what it is multiplied by")
  func wanda() throws {
    var pair = try pair()
    // Mean magnitudes 0.5, 1.5, 1.
    pair.measure(1, meanSquare: [4, 1, 9])
    #expect(isClose(try pair.scores("wanda", of: "b", axis: 0), [1, 1.5, 3]))
  }

  @Test("flap is the variance times the squared norm of the column")
  func fluctuation() throws {
    var pair = try pair()
    // Variances 1, 0.5, 4; squared norms 1, 9, 4.
    pair.measure(1, mean: [1, 0, 1], meanSquare: [2, 0.5, 5])
    #expect(isClose(try pair.scores("flap", of: "b", axis: 0), [1, 4.5, 16]))
    #expect(Criteria.named("flap")?.usualNormalization == .standardise)
  }

  @Test("readers are added up by wanda and flap, and aggregated by activation")
  func readers() throws {
    var both = try Case(
      """
      x: float[1, 2]
      h = MatMul(x, a[2, 2])
      r = Relu(h)
      y = MatMul(r, b[2, 1])
      z = MatMul(h, c[2, 2])
      return y, z
      """, filling: ["b": [1, -2], "c": [3, 1, 0, 4]])
    both.measure(1, meanMagnitude: [1, 2], meanSquare: [1, 4])
    both.measure(2, meanMagnitude: [3, 4], meanSquare: [9, 16])
    #expect(isClose(try both.scores("activation", of: "b", axis: 0), [2, 3]))
    #expect(isClose(try both.scores("activation", of: "b", axis: 0, aggregation: .max), [3, 4]))
    // 1·1 + 2·3 and 2·2 + 2·4.
    #expect(isClose(try both.scores("wanda", of: "b", axis: 0), [7, 12]))
    // 1·1 + 10·9 and 4·4 + 16·16.
    #expect(isClose(try both.scores("flap", of: "b", axis: 0), [91, 272]))
  }

  @Test("a flattened channel owns all its positions")
  func flattened() throws {
    var flat = try Case(
      """
      x: float[1, 1, 2, 2]
      h = Conv(x, a[2, 1, 1, 1])
      f = Flatten(h)
      y = Gemm(f, b[8, 3])
      return y
      """, filling: ["b": [Float](repeating: 1, count: 24)])
    flat.measure(1, meanMagnitude: [1, 2, 3, 4, 0, 0, 0, 2], meanSquare: [1, 4, 9, 16, 0, 0, 0, 4])
    #expect(isClose(try flat.scores("activation", of: "b", axis: 0), [2.5, 0.5]))
    #expect(isClose(try flat.scores("wanda", of: "b", axis: 0), [10, 2]))
    #expect(isClose(try flat.scores("flap", of: "b", axis: 0), [90, 12]))
  }

  @Test("a kernel's elements count together")
  func kernels() throws {
    var kernels = try Case(
      """
      x: float[1, 1, 4, 4]
      h = Conv(x, a[2, 1, 1, 1])
      y = Conv(h, b[1, 2, 1, 2])
      return y
      """, filling: ["b": [1, -2, 3, 4]])
    kernels.measure(1, meanSquare: [4, 9])
    #expect(isClose(try kernels.scores("wanda", of: "b", axis: 1), [6, 21]))
    #expect(isClose(try kernels.scores("flap", of: "b", axis: 1), [20, 225]))
  }

  private static let attention = """
    x: float[1, 10, 24]
    q = MatMul(x, wq[24, 24])
    k = MatMul(x, wk[24, 24])
    v = MatMul(x, wv[24, 24])
    q4 = Reshape(q, s1<1, 10, 4, 6>)
    k4 = Reshape(k, s2<1, 10, 4, 6>)
    v4 = Reshape(v, s3<1, 10, 4, 6>)
    qt = Transpose(q4) { perm: [0, 2, 1, 3] }
    kt = Transpose(k4) { perm: [0, 2, 3, 1] }
    vt = Transpose(v4) { perm: [0, 2, 1, 3] }
    a = MatMul(qt, kt)
    p = Softmax(a) { axis: -1 }
    o = MatMul(p, vt)
    ot = Transpose(o) { perm: [0, 2, 1, 3] }
    o3 = Reshape(ot, s4<1, 10, 24>)
    y = MatMul(o3, wo[24, 24])
    return y
    """

  @Test("heads own their width: wanda adds it up, flap takes the mean")
  func heads() throws {
    var heads = try Case(Self.attention, filling: ["wo": [Float](repeating: 1, count: 24 * 24)])
    let output = try #require(heads.layers.all.indices.last)
    let squares: [Double] = (0..<24).map { channel in
      let head = Double(channel / 6 + 1)
      return head * head
    }
    heads.measure(output, meanSquare: squares)
    #expect(isClose(try heads.scores("wanda", of: "wq", axis: 1), [6, 12, 18, 24]))
    #expect(isClose(try heads.scores("flap", of: "wq", axis: 1), [24, 96, 216, 384]))
  }

  @Test("columns of a convolution in groups are those of their own group")
  func convolutionGroups() throws {
    var grouped = try Case(
      """
      x: float[1, 2, 3, 3]
      h = Conv(x, a[4, 2, 1, 1])
      y = Conv(h, b[4, 2, 1, 1]) { group: 2 }
      z = Conv(y, c[3, 4, 1, 1])
      return z
      """, filling: ["b": [1, 2, 3, 4, 5, 6, 7, 8]])
    grouped.measure(1, meanSquare: [1, 4, 9, 16])
    // Magnitudes of the columns, 4, 6 and 12, 14, over two rows each; squares 10, 20 and 74, 100.
    #expect(isClose(try grouped.scores("wanda", of: "b", axis: 1), [2 + 18, 6 + 28]))
    #expect(isClose(try grouped.scores("flap", of: "b", axis: 1), [10 + 666, 80 + 1600]))
  }

  @Test("rows of a transposed convolution in groups are those of the channel's group")
  func transposedConvolutionGroups() throws {
    var grouped = try Case(
      """
      x: float[1, 2, 3, 3]
      h = Conv(x, a[4, 2, 1, 1])
      y = ConvTranspose(h, b[4, 3, 2, 1]) { group: 2 }
      return y
      """, filling: ["b": (1...24).map { Float($0) }])
    grouped.measure(1, meanSquare: [1, 4, 9, 16])
    // Magnitudes of the channels, 21, 57 and 93, 129, over three rows each; squares 91, 559 and 1459, 2791.
    #expect(isClose(try grouped.scores("wanda", of: "b", axis: 0), [7 + 93, 38 + 172]))
    #expect(isClose(try grouped.scores("flap", of: "b", axis: 0), [91 + 13131, 2236 + 44656]))
  }

  @Test(
    "a group that no measured layer reads is scored by l2, and it is said so",
    arguments: ["activation", "apoz", "wanda", "flap"])
  func fallback(name: String) throws {
    let pair = try pair()
    let criterion = try #require(Criteria.named(name))
    #expect(criterion.measurements == [.inputStatistics])
    let context = ScoringContext(analysis: pair.analysis, evidence: pair.evidence)
    #expect(isClose(try criterion.scores(for: pair.analysis.groups[0], in: context), [3, 2, 2]))
    #expect(context.fallbacks.map(\.groups) == [[pair.analysis.groups[0].id]])
    #expect(context.fallbacks[0].reason.contains(name))
  }

  @Test(
    "a group whose readers lose what is no number is scored by l2, and it is said so", arguments: ["obspa", "ziplm"])
  func unknownLosses(name: String) throws {
    let pair = try pair()
    let group = pair.analysis.groups[0]
    let criterion = try #require(Criteria.named(name))
    func scores(_ losses: [Double]) throws -> (found: [Float], reasons: [String]) {
      var evidence = pair.evidence
      (evidence.removalLosses, evidence.stepwiseLosses) = ([group.dimension: losses], [group.dimension: losses])
      let context = ScoringContext(analysis: pair.analysis, evidence: evidence)
      return (try criterion.scores(for: group, in: context), context.fallbacks.map(\.reason))
    }
    let known = try scores([3, 1, 2])
    #expect(known.found == [3, 1, 2] && known.reasons.isEmpty)
    let unknown = try scores([3, .nan, 2])
    #expect(abs(unknown.found.reduce(0, +) - 1) <= 1e-6)
    #expect(unknown.reasons == ["\(name): what its readers lose is no number, scored by l2"])
  }

  @Test("weights that are no numbers are named, and the channel ranks last", arguments: ["wanda", "flap"])
  func notFinite(name: String) throws {
    var numbers = Graphs.pairNumbers
    numbers["b"] = [1, 0, .nan, 3, 2, 0]
    var pair = try Case(Graphs.pair, filling: numbers)
    pair.measure(1, meanSquare: [1, 1, 1])
    let context = ScoringContext(analysis: pair.analysis, evidence: pair.evidence)
    let scores = try #require(Criteria.named(name)).scores(for: pair.analysis.groups[0], in: context)
    #expect(scores.map(\.isFinite) == [true, false, true])
    #expect(context.nonFiniteTensors == ["b"])
  }
}
