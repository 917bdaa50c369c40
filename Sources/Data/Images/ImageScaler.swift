/// Scales and crops pictures as training pipelines do.
///
/// Bilinear with a triangle filter as wide as the step between output pixels, so that scaling down averages instead of
/// skipping: what Pillow's `BILINEAR` and torchvision's `Resize(antialias=True)` compute. Weights and sums are of fixed
/// point with as many bits as Pillow's, so that results are the same, and the same everywhere.
enum ImageScaler {
  /// Scales the shorter side to that of the smallest picture that covers `size`, and cuts its centre out.
  static func fit(_ image: PixelImage, to size: ImageSize) -> PixelImage {
    let factor = max(Double(size.height) / Double(image.height), Double(size.width) / Double(image.width))
    let height = max(size.height, Int((Double(image.height) * factor).rounded()))
    let width = max(size.width, Int((Double(image.width) * factor).rounded()))
    return crop(scale(image, ImageSize(height: height, width: width)), to: size)
  }

  static func scale(_ image: PixelImage, _ size: ImageSize) -> PixelImage {
    var result = image
    if size.width != image.width { result = horizontally(result, Filter(from: image.width, to: size.width)) }
    if size.height != image.height { result = vertically(result, Filter(from: image.height, to: size.height)) }
    return result
  }

  private static func crop(_ image: PixelImage, to size: ImageSize) -> PixelImage {
    guard image.width != size.width || image.height != size.height else { return image }
    let top = (image.height - size.height) / 2
    let left = (image.width - size.width) / 2
    var pixels: [UInt8] = []
    pixels.reserveCapacity(size.width * size.height * image.channels)
    for row in top..<(top + size.height) {
      let start = (row * image.width + left) * image.channels
      pixels += image.pixels[start..<(start + size.width * image.channels)]
    }
    return PixelImage(width: size.width, height: size.height, channels: image.channels, pixels: pixels)
  }

  /// The weights with which inputs enter every output along one axis.
  private struct Filter {
    var starts: [Int] = []
    var counts: [Int] = []
    /// `width` for each output, times 2 to the power of ``bits``.
    var weights: [Int32] = []
    var width = 0

    /// What 32 bits leave beside 8 of a sample and 2 for sums.
    static let bits: Int32 = 22
    static let half: Int32 = 1 << (bits - 1)

    static func sample(_ sum: Int32) -> UInt8 { UInt8(max(0, min(255, sum >> bits))) }

    init(from input: Int, to output: Int) {
      let step = Double(input) / Double(output)
      let support = max(1, step)
      width = Int(support.rounded(.up)) * 2 + 1
      for index in 0..<output {
        let centre = (Double(index) + 0.5) * step
        let start = max(0, Int(centre - support + 0.5))
        let end = min(input, Int(centre + support + 0.5))
        var part = (start..<end).map { max(0, 1 - abs((Double($0) + 0.5 - centre) / support)) }
        let sum = part.reduce(0, +)
        part = part.map { $0 / sum }
        starts.append(start)
        counts.append(part.count)
        weights += part.map { Int32(0.5 + $0 * Double(1 << Self.bits)) }
        weights += [Int32](repeating: 0, count: width - part.count)
      }
    }
  }

  private static func horizontally(_ image: PixelImage, _ filter: Filter) -> PixelImage {
    let width = filter.starts.count
    let channels = image.channels
    var result = [UInt8](repeating: 0, count: width * image.height * channels)
    for row in 0..<image.height {
      for column in 0..<width {
        let base = (row * image.width + filter.starts[column]) * channels
        for channel in 0..<channels {
          var sum = Filter.half
          for tap in 0..<filter.counts[column] {
            sum += filter.weights[column * filter.width + tap] * Int32(image.pixels[base + tap * channels + channel])
          }
          result[(row * width + column) * channels + channel] = Filter.sample(sum)
        }
      }
    }
    return PixelImage(width: width, height: image.height, channels: channels, pixels: result)
  }

  private static func vertically(_ image: PixelImage, _ filter: Filter) -> PixelImage {
    let height = filter.starts.count
    let stride = image.width * image.channels
    var result = [UInt8](repeating: 0, count: height * stride)
    var sums = [Int32](repeating: 0, count: stride)
    for row in 0..<height {
      for index in 0..<stride { sums[index] = Filter.half }
      for tap in 0..<filter.counts[row] {
        let weight = filter.weights[row * filter.width + tap]
        let base = (filter.starts[row] + tap) * stride
        for index in 0..<stride { sums[index] += weight * Int32(image.pixels[base + index]) }
      }
      for index in 0..<stride { result[row * stride + index] = Filter.sample(sums[index]) }
    }
    return PixelImage(width: image.width, height: height, channels: image.channels, pixels: result)
  }
}
