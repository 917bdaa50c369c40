import IR

/// Normalises samples and applies what augmentation drew for them, in one pass over the numbers.
struct PicturePass: Sendable {
  private let channels: Int
  private let height: Int
  private let width: Int
  private let factors: [Float]
  private let addends: [Float]
  private let augmentations: [Augmentation]
  private let layout: ImageLayout
  private let seed: UInt64

  /// The shape of a sample afterwards.
  let shape: [Int]
  let isIdentity: Bool

  /// - Parameter shape: of a sample, channels first; without three axes it is no picture, and neither augmented nor
  ///   laid out anew.
  init(
    shape: [Int], _ normalization: Normalization, _ augmentations: [Augmentation], _ layout: ImageLayout, seed: UInt64
  ) throws(DataError) {
    let isPicture = shape.count == 3
    channels = isPicture || normalization.mean.count > 1 || normalization.deviation.count > 1 ? shape.first ?? 1 : 1
    height = isPicture ? shape[1] : 1
    width = isPicture ? shape[2] : channels == 0 ? 0 : shape.reduce(1, *) / channels
    (factors, addends) = try normalization.factors(channels: channels)
    guard isPicture || augmentations.isEmpty else {
      throw .setting(name: "augmentation", reason: "samples of shape \(DataError.text(shape)) are not pictures")
    }
    for case .reflectedShift(let pixels) in augmentations where pixels >= min(height, width) {
      throw .setting(
        name: "augmentation", reason: "reflect:\(pixels) is more than pictures of \(height) × \(width) have")
    }
    self.augmentations = augmentations
    self.layout = isPicture ? layout : .nchw
    self.seed = seed
    self.shape = self.layout == .nhwc ? [height, width, channels] : shape
    isIdentity = normalization.isIdentity && augmentations.isEmpty && self.layout == .nchw
  }

  /// Differs where samples come out differently.
  var identity: String { "\(factors) \(addends) \(augmentations) \(layout) \(seed)" }

  /// What was drawn for a sample: where each output row and column comes from, or `nil` for outside.
  private struct Draw {
    var rows: [Int]
    var columns: [Int]
  }

  /// - Parameters:
  ///   - values: samples one after the other, channels first.
  ///   - indices: the number of each sample in the data.
  func apply(_ values: ByteRegion, indices: [Int], epoch: Int) -> ByteRegion {
    let sample = channels * height * width
    return ByteRegion(count: values.count) { output in
      values.withUnsafeBytes { input in
        let (input, output) = (input.bindMemory(to: Float.self), output.bindMemory(to: Float.self))
        for (row, index) in indices.enumerated() {
          let part = UnsafeBufferPointer(rebasing: input[(row * sample)..<((row + 1) * sample)])
          let target = UnsafeMutableBufferPointer(rebasing: output[(row * sample)..<((row + 1) * sample)])
          if augmentations.isEmpty, layout == .nchw {
            scale(part, target)
          } else {
            place(part, target, draw(index, epoch))
          }
        }
      }
    }
  }

  private func scale(_ input: UnsafeBufferPointer<Float>, _ output: UnsafeMutableBufferPointer<Float>) {
    let area = height * width
    for channel in 0..<channels {
      let (factor, addend) = (factors[channel], addends[channel])
      for pixel in (channel * area)..<((channel + 1) * area) { output[pixel] = input[pixel] * factor + addend }
    }
  }

  private func place(
    _ input: UnsafeBufferPointer<Float>, _ output: UnsafeMutableBufferPointer<Float>, _ draw: Draw
  ) {
    let area = height * width
    let (rowStride, columnStride, channelStride) =
      layout == .nchw ? (width, 1, area) : (width * channels, channels, 1)
    for channel in 0..<channels {
      let (factor, addend) = (factors[channel], addends[channel])
      for row in 0..<height {
        let target = channel * channelStride + row * rowStride
        let source = channel * area + draw.rows[row] * width
        for column in 0..<width {
          let isInside = draw.rows[row] >= 0 && draw.columns[column] >= 0
          let value = isInside ? input[source + draw.columns[column]] : 0
          output[target + column * columnStride] = value * factor + addend
        }
      }
    }
  }

  private func draw(_ sample: Int, _ epoch: Int) -> Draw {
    var random = CounterRandom(seed: seed, epoch, sample)
    var draw = Draw(rows: Array(0..<height), columns: Array(0..<width))
    for augmentation in augmentations {
      switch augmentation {
      case .horizontalFlip:
        if random.number(below: 2) == 1 { draw.columns.reverse() }
      case .shift(let pixels), .reflectedShift(let pixels):
        let isReflected = augmentation == .reflectedShift(pixels: pixels)
        draw.rows = Self.move(draw.rows, random.number(below: 2 * pixels + 1) - pixels, isReflected)
        draw.columns = Self.move(draw.columns, random.number(below: 2 * pixels + 1) - pixels, isReflected)
      }
    }
    return draw
  }

  /// - Returns: the places moved; -1 for outside.
  private static func move(_ places: [Int], _ distance: Int, _ isReflected: Bool) -> [Int] {
    let last = places.count - 1
    return places.indices.map { index in
      var source = index + distance
      if isReflected {
        if source < 0 { source = -source }
        if source > last { source = 2 * last - source }
      }
      return places.indices.contains(source) ? places[source] : -1
    }
  }
}
