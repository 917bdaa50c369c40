import Analysis
import Dimensions
import IR

/// A node that multiplies what it reads by a constant matrix: a convolution, `Gemm`, or a product.
///
/// Of an input with channels `x` and a matrix `W` of one row an output channel it computes `W·x` at every position,
/// where a convolution's `x` is the window it sees there, and of several groups each has a matrix of its own. What a
/// transposed convolution sees is what reaches the position, with zeros for elements of its kernel that nothing reaches
/// it by.
public struct LinearLayer: Sendable {
  public enum Kind: Sendable { case convolution, transposedConvolution, product }

  public let kind: Kind
  /// Index into ``ModelAnalysis/nodes``; the node stands in the main graph.
  public let node: Int
  /// What the node is called in messages.
  public let label: String
  public let input: ValueID
  public let output: ValueID
  /// Index into ``ModelAnalysis/weights``.
  public let weight: Int
  /// The axis of the weight that makes channels; of a transposed convolution in groups, those of one group.
  public let rowAxis: Int
  /// The axis of the weight that reads channels; of a convolution in groups, those of one group. A weight's first axis
  /// runs over all groups.
  public let columnAxis: Int
  /// The axis of the input that has the channels, and of the output.
  public let channelAxis: Int
  /// Groups of a convolution.
  public let groups: Int

  /// Whether every channel has a group of its own, so that none stands in for another.
  public let isDepthwise: Bool

  /// The dimension of the channels it makes, those of all groups.
  public func outputDimension(_ analysis: ModelAnalysis) -> DimensionID {
    // The weight of a transposed convolution has the rows of one group only.
    guard kind == .transposedConvolution, output.index < analysis.axes.count, let axes = analysis.axes[output.index],
      axes.indices.contains(channelAxis)
    else { return analysis.weights[weight].axes[rowAxis] }
    return axes[channelAxis].dimension
  }
}

/// The linear layers of a model that have a matrix of their own, in the order they run.
public struct LinearLayers: Sendable {
  public let all: [LinearLayer]
  /// For each layer how many are on the longest way from it to an output, itself among them.
  public let depths: [Int]
  /// The nodes that are none, though they sum over channels by a weight.
  public let unhandled: [UnhandledReader]
  private let analysis: ModelAnalysis

  public init(_ model: Model, _ analysis: ModelAnalysis) {
    self.analysis = analysis
    var weightOfValue: [ValueID: Int] = [:]
    for (index, weight) in analysis.weights.enumerated() where weight.use == nil {
      weightOfValue[weight.value] = index
    }
    var layers: [LinearLayer] = []
    let transpositions = Self.transpositions(model)
    for (index, analyzed) in analysis.nodes.enumerated()
    where analyzed.path.steps.isEmpty && !analyzed.isContradictory {
      let node = model.graph.nodes[analyzed.path.index]
      guard let input = node.input(0), let output = node.output(0), let operand = node.input(1),
        weightOfValue[input] == nil, input.index < analysis.axes.count
      else { continue }
      // Exporters that fold no constants transpose a matrix before they multiply by it.
      let turned = transpositions[operand]
      guard let weight = weightOfValue[turned?.source ?? operand], analysis.weights[weight].isParameter else {
        continue
      }
      let shape = analysis.weights[weight].tensor.shape
      guard turned == nil || shape.count == 2,
        let form = Form(
          node, weight: turned == nil ? shape : shape.reversed(), input: analysis.axes[input.index]?.count)
      else { continue }
      layers.append(
        LinearLayer(
          kind: form.kind, node: index, label: analyzed.label, input: input, output: output, weight: weight,
          rowAxis: turned == nil ? form.rowAxis : 1 - form.rowAxis,
          columnAxis: turned == nil ? form.columnAxis : 1 - form.columnAxis, channelAxis: form.channelAxis,
          groups: form.groups, isDepthwise: form.groups > 1 && shape[0] == form.groups && shape[1] == 1))
    }
    all = layers
    depths = Self.depths(layers.map { analysis.nodes[$0.node].path.index }, in: model.graph)
    unhandled = UnhandledReader.all(in: model, analysis, besides: layers)
  }

  /// - Parameter nodes: those of the layers.
  private static func depths(_ nodes: [Int], in graph: Graph) -> [Int] {
    let layers = Set(nodes)
    // By value and by node: layers behind it.
    var (behind, depths) = ([ValueID: Int](), [Int](repeating: 0, count: graph.nodes.count))
    for index in ((try? graph.topologicalOrder()) ?? []).reversed() {
      let node = graph.nodes[index]
      let next = node.outputs.reduce(0) { max($0, $1.flatMap { behind[$0] } ?? 0) }
      depths[index] = next + (layers.contains(index) ? 1 : 0)
      let inputs = Set(node.inputs.compactMap { $0 }).union(node.subgraphs.flatMap { $0.referencedValues() })
      for input in inputs { behind[input] = max(behind[input] ?? 0, depths[index]) }
    }
    return nodes.map { max(1, depths[$0]) }
  }

  /// The matrices that are turned by a `Transpose`, by what it makes.
  private static func transpositions(_ model: Model) -> [ValueID: (node: Int, source: ValueID)] {
    var found: [ValueID: (node: Int, source: ValueID)] = [:]
    for (index, node) in model.graph.nodes.enumerated()
    where node.opType == "Transpose" && node.canonicalDomain.isEmpty {
      guard let source = node.input(0), let output = node.output(0), node.ints("perm") ?? [1, 0] == [1, 0] else {
        continue
      }
      found[output] = (index, source)
    }
    return found
  }

  /// The channel of a group that each channel a layer reads belongs to, −1 where it belongs to none; `nil` where the
  /// layer does not read the group.
  public func channels(of group: PruningGroup, readBy layer: LinearLayer) -> [Int32]? {
    guard let axis = analysis.axes[layer.input.index]?[layer.channelAxis] else { return nil }
    return analysis.dimensions.indexMap(of: group.dimension, in: axis.dimension)
  }

  /// The layers that read a group and mix its channels with others, by index into ``all``.
  public func readers(of group: PruningGroup) -> [Int] {
    all.indices.filter { !all[$0].isDepthwise && channels(of: group, readBy: all[$0]) != nil }
  }
}

/// Where rows, columns and channels are in the operands of a node.
private struct Form {
  var kind = LinearLayer.Kind.product
  var rowAxis = 1
  var columnAxis = 0
  var channelAxis: Int
  var groups = 1

  /// - Parameter rank: of the input, where it is known.
  init?(_ node: Node, weight: [Int], input rank: Int?) {
    guard let rank else { return nil }
    channelAxis = rank - 1
    switch (node.canonicalDomain, node.opType) {
    case ("", "Conv"), ("", "ConvTranspose"), ("com.microsoft", "FusedConv"):
      guard weight.count == rank, rank > 2 else { return nil }
      // What is fused behind a convolution makes its output another than what its matrix makes.
      if node.opType == "FusedConv" {
        guard node.string("activation") ?? "" == "", node.input(3) == nil else { return nil }
      }
      kind = node.opType == "ConvTranspose" ? .transposedConvolution : .convolution
      (rowAxis, columnAxis) = kind == .convolution ? (0, 1) : (1, 0)
      channelAxis = 1
      groups = Int(node.int("group", default: 1))
      guard groups > 0, weight[0] % groups == 0 else { return nil }
    case ("", "MatMul"):
      guard weight.count == 2, rank >= 2 else { return nil }
    case ("", "Gemm"):
      guard weight.count == 2, rank == 2, node.int("transA", default: 0) == 0, node.float("alpha") ?? 1 == 1
      else { return nil }
      if node.int("transB", default: 0) != 0 { (rowAxis, columnAxis) = (0, 1) }
    default: return nil
    }
  }
}
