import DataSources
import IR
import Kernels
import Operators
import Pruning

/// Chooses positions of a linear layer's output, and gathers what the layer multiplies there and what it makes of it.
struct LayerRows {
  let layer: LinearLayer
  private let node: Node
  /// The weight's shape in the model the rows are of.
  private let weightShape: [Int]
  /// At most so many positions of a sample.
  private let positionLimit: Int
  private let seed: UInt64

  /// - Parameter rowLimit: about so many rows of all samples together.
  init(_ layer: LinearLayer, node: Node, weightShape: [Int], rowLimit: Int, samples: Int, seed: UInt64) {
    self.layer = layer
    self.node = node
    self.weightShape = weightShape
    positionLimit = max(1, (rowLimit + samples - 1) / max(1, samples))
    self.seed = seed
  }

  /// Columns of a row for each channel that is read.
  var window: Int { layer.kind == .convolution ? weightShape.dropFirst(2).reduce(1, *) : 1 }

  /// Positions of a sample, one of each of as many stretches of equal length, drawn by the seed.
  private func positions(of sample: Int, among count: Int) -> [Int] {
    guard count > positionLimit else { return Array(0..<count) }
    var random = CounterRandom(seed: seed, layer.node, sample)
    return (0..<positionLimit).map { stretch in
      let (start, end) = (stretch * count / positionLimit, (stretch + 1) * count / positionLimit)
      return start + random.number(below: end - start)
    }
  }

  /// Rows of what the layer multiplies.
  /// - Parameters:
  ///   - channels: those of the input to take, in order.
  ///   - first: the number of the first sample.
  func inputs(
    _ input: UnsafePointer<Float>, shape: [Int], channels: [Int], first: Int
  ) throws(OperatorError) -> [Float] {
    let sampleCount = shape.dropFirst().reduce(1, *)
    let width = channels.count * window
    var rows: [Float] = []
    if layer.kind == .convolution {
      let windows = try Conv.windows(of: node, weight: weightShape, input: shape)
      for sample in 0..<shape[0] {
        let positions = positions(of: first + sample, among: windows.positionCount)
        rows += [Float](unsafeUninitializedCapacity: positions.count * width) { buffer, count in
          if let start = buffer.baseAddress {
            windows.write(input + sample * sampleCount, channels: channels, positions: positions, to: start)
          }
          count = positions.count * width
        }
      }
      return rows
    }
    for sample in 0..<shape[0] {
      append(input + sample * sampleCount, sampleCount, shape[shape.count - 1], channels, first + sample, to: &rows)
    }
    return rows
  }

  /// Rows of what the layer makes, at the same positions.
  func outputs(_ output: UnsafePointer<Float>, shape: [Int], channels: [Int], first: Int) -> [Float] {
    let sampleCount = shape.dropFirst().reduce(1, *)
    var rows: [Float] = []
    for sample in 0..<shape[0] {
      let start = output + sample * sampleCount
      guard layer.kind == .convolution else {
        append(start, sampleCount, shape[shape.count - 1], channels, first + sample, to: &rows)
        continue
      }
      let plane = shape.dropFirst(2).reduce(1, *)
      for position in positions(of: first + sample, among: plane) {
        for channel in channels { rows.append(start[channel * plane + position]) }
      }
    }
    return rows
  }

  private func append(
    _ start: UnsafePointer<Float>, _ count: Int, _ width: Int, _ channels: [Int], _ sample: Int, to rows: inout [Float]
  ) {
    guard width > 0 else { return }
    for position in positions(of: sample, among: count / width) {
      let line = start + position * width
      for channel in channels { rows.append(line[channel]) }
    }
  }
}
