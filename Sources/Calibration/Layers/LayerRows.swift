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
  var window: Int { layer.kind == .product ? 1 : weightShape.dropFirst(2).reduce(1, *) }

  /// Whether others look at the same positions of the same layer.
  func looksWhere(_ other: LayerRows) -> Bool {
    (layer.node, positionLimit, seed) == (other.layer.node, other.positionLimit, other.seed)
  }

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
  ///   - samples: the numbers of the samples the input is of.
  func inputs(
    _ input: UnsafePointer<Float>, shape: [Int], channels: [Int], samples: Range<Int>, workers: Workers
  ) throws(OperatorError) -> [Float] {
    let windows: WindowRows
    switch layer.kind {
    case .product: return lines(of: input, shape: shape, channels: channels, samples: samples, workers: workers)
    case .convolution: windows = try Conv.windows(of: node, weight: weightShape, input: shape)
    case .transposedConvolution: windows = try ConvTranspose.windows(of: node, weight: weightShape, input: shape)
    }
    let sampleCount = shape.dropFirst().reduce(1, *)
    return rows(
      shape[0], first: samples.lowerBound, among: windows.positionCount, width: channels.count * window, workers
    ) {
      sample, positions, target in
      windows.write(input + sample * sampleCount, channels: channels, positions: positions, to: target)
    }
  }

  /// Rows of what the layer makes, at the same positions.
  func outputs(
    _ output: UnsafePointer<Float>, shape: [Int], channels: [Int], samples: Range<Int>, workers: Workers
  ) -> [Float] {
    guard layer.kind != .product else {
      return lines(of: output, shape: shape, channels: channels, samples: samples, workers: workers)
    }
    let plane = shape.dropFirst(2).reduce(1, *)
    let sampleCount = shape[1] * plane
    return rows(shape[0], first: samples.lowerBound, among: plane, width: channels.count, workers) {
      sample, positions, target in
      WindowRows.write(
        output + sample * sampleCount, plane: plane, channels: channels, places: positions, window: 1, to: target)
    }
  }

  /// Rows of a tensor whose last axis is the channels; the first may hold positions of samples as well.
  private func lines(
    of start: UnsafePointer<Float>, shape: [Int], channels: [Int], samples: Range<Int>, workers: Workers
  ) -> [Float] {
    let parts = samples.isEmpty || shape[0] % samples.count != 0 ? shape[0] : samples.count
    let width = shape[shape.count - 1]
    guard width > 0, parts > 0 else { return [] }
    let count = shape.reduce(1, *) / parts
    return rows(parts, first: samples.lowerBound, among: count / width, width: channels.count, workers) {
      sample, positions, target in
      for (row, position) in positions.enumerated() {
        let line = start + sample * count + position * width
        for (column, channel) in channels.enumerated() { target[row * channels.count + column] = line[channel] }
      }
    }
  }

  /// As many rows for each sample as there are positions looked at.
  /// - Parameter write: is given a sample of the batch, its positions, and where its rows go.
  private func rows(
    _ samples: Int, first: Int, among count: Int, width: Int, _ workers: Workers,
    write: (_ sample: Int, _ positions: [Int], _ target: UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    let size = min(count, positionLimit) * width
    return [Float](unsafeUninitializedCapacity: samples * size) { buffer, filled in
      filled = samples * size
      guard let start = buffer.baseAddress else { return }
      withoutActuallyEscaping(write) { write in
        nonisolated(unsafe) let (start, write) = (start, write)
        workers.forEach(samples) { sample in
          write(sample, positions(of: first + sample, among: count), start + sample * size)
        }
      }
    }
  }
}
