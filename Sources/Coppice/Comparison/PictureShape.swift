import DataSources

/// How the numbers of a picture are laid out.
struct PictureShape: Sendable, Equatable {
  let channels: Int
  let height: Int
  let width: Int
  let layout: ImageLayout

  /// - Returns: `nil` where a sample of that shape is no picture.
  init?(_ sample: [Int], layout: ImageLayout) {
    guard sample.count == 3, sample.allSatisfy({ $0 > 0 }) else { return nil }
    (channels, height, width) =
      layout == .nchw ? (sample[0], sample[1], sample[2]) : (sample[2], sample[0], sample[1])
    self.layout = layout
  }

  var count: Int { channels * height * width }

  private func index(_ channel: Int, _ row: Int, _ column: Int) -> Int {
    layout == .nchw ? (channel * height + row) * width + column : (row * width + column) * channels + channel
  }

  /// Makes a picture of the same shape, pixel by pixel.
  /// - Parameter pixel: is given how to read the old picture, where places outside have the nearest pixel's number.
  func map(
    _ values: [Float],
    _ pixel: (_ picture: (Int, Int, Int) -> Float, _ channel: Int, _ row: Int, _ column: Int) -> Float
  ) -> [Float] {
    let picture = { (channel: Int, row: Int, column: Int) -> Float in
      values[index(channel, min(max(row, 0), height - 1), min(max(column, 0), width - 1))]
    }
    var result = [Float](repeating: 0, count: values.count)
    for channel in 0..<channels {
      for row in 0..<height {
        for column in 0..<width { result[index(channel, row, column)] = pixel(picture, channel, row, column) }
      }
    }
    return result
  }

  func channelMeans(_ values: [Float]) -> [Double] {
    (0..<channels).map { channel in
      var sum = 0.0
      for row in 0..<height {
        for column in 0..<width { sum += Double(values[index(channel, row, column)]) }
      }
      return sum / Double(height * width)
    }
  }
}
