import IR
import Operators

/// Batch normalization with constant statistics behind a convolution: a factor and a shift per output channel, which go
/// into the convolution's weight and bias.
struct FoldBatchNormalization: FusionRule {
  func apply(at index: Int, _ graph: inout FusionGraph) {
    guard let normalization = graph.node(index), graph.isOperator(normalization, "BatchNormalization"),
      normalization.outputs.count == 1, normalization.int("training_mode", default: 0) == 0,
      let output = normalization.output(0),
      let convolution = graph.onlyProducer(of: normalization.input(0), "Conv"),
      let weight = graph.constant(convolution.node.input(1)), let values = graph.floats(convolution.node.input(1)),
      let channels = weight.shape.first, channels > 0, let factors = factors(normalization, graph),
      factors.scale.count == channels
    else { return }
    var bias = [Float](repeating: 0, count: channels)
    if let input = convolution.node.input(2) {
      guard let given = graph.floats(input), given.count == channels else { return }
      bias = given
    }
    let width = values.count / channels
    var scaled = values
    for channel in 0..<channels {
      for offset in channel * width..<(channel + 1) * width {
        scaled[offset] = Float(Double(values[offset]) * factors.scale[channel])
      }
      bias[channel] = Float(Double(bias[channel]) * factors.scale[channel] + factors.shift[channel])
    }
    var folded = convolution.node
    folded.inputs = [
      convolution.node.input(0), graph.addInitializer("folded weight", scaled, shape: weight.shape),
      graph.addInitializer("folded bias", bias, shape: [channels]),
    ]
    folded.outputs = [output]
    graph.replace(index, with: folded, removing: [convolution.index])
  }

  private func factors(_ node: Node, _ graph: FusionGraph) -> (scale: [Double], shift: [Double])? {
    guard let scale = graph.floats(node.input(1)), let shift = graph.floats(node.input(2)),
      let mean = graph.floats(node.input(3)), let variance = graph.floats(node.input(4)),
      Set([scale.count, shift.count, mean.count, variance.count]).count == 1
    else { return nil }
    let epsilon = Double(node.float("epsilon") ?? 1e-5)
    let factors = scale.indices.map { Double(scale[$0]) / (Double(variance[$0]) + epsilon).squareRoot() }
    return (factors, scale.indices.map { Double(shift[$0]) - Double(mean[$0]) * factors[$0] })
  }
}
