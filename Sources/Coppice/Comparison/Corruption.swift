import DataSources
import Glibc

/// A way pictures get worse without becoming others, in five severities.
///
/// A small battery after Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and
/// perturbations" (ICLR 2019). Pictures are taken as the model gets them, normalised already, so that strengths are
/// relative to the numbers of each picture.
public enum Corruption: String, Sendable, CaseIterable {
  /// x + σ·s(x)·z: s is the picture's own standard deviation, z normal; σ = 0.15, 0.3, 0.45, 0.6, 0.75.
  case noise
  /// The mean over 3×3 pixels, taken as often as the severity says; the outermost pixels are repeated outwards.
  case blur
  /// m + c·(x − m) with the mean m of each channel; c = 0.75, 0.5, 0.4, 0.3, 0.15.
  case contrast
  /// Moved along both axes by 4 % of the shorter side a step, at least a pixel, in drawn directions; the outermost
  /// pixels are repeated outwards.
  case shift

  public static let severities = 1...5

  private static let deviations: [Double] = [0.15, 0.3, 0.45, 0.6, 0.75]
  private static let contrasts: [Double] = [0.75, 0.5, 0.4, 0.3, 0.15]

  /// A picture's numbers after the corruption.
  /// - Precondition: the severity is one of ``severities``, and there are as many numbers as the shape says.
  func corrupted(
    _ values: [Float], _ shape: PictureShape, severity: Int, random: inout CounterRandom
  ) -> [Float] {
    switch self {
    case .noise: Self.noisy(values, share: Self.deviations[severity - 1], random: &random)
    case .blur: (0..<severity).reduce(values) { values, _ in Self.blurred(values, shape) }
    case .contrast: Self.flattened(values, shape, factor: Self.contrasts[severity - 1])
    case .shift: Self.moved(values, shape, steps: severity, random: &random)
    }
  }

  private static func noisy(_ values: [Float], share: Double, random: inout CounterRandom) -> [Float] {
    let count = Double(max(1, values.count))
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let variance = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    let deviation = share * variance.squareRoot()
    return values.map { $0 + Float(deviation * normal(&random)) }
  }

  /// Of mean zero and variance one (Box and Muller 1958).
  private static func normal(_ random: inout CounterRandom) -> Double {
    let first = Double(random.next() >> 11) * 0x1p-53
    let second = Double(random.next() >> 11) * 0x1p-53
    return (-2 * log(1 - first)).squareRoot() * cos(2 * Double.pi * second)
  }

  /// Along rows, then along columns: a box is the product of two lines.
  private static func blurred(_ values: [Float], _ shape: PictureShape) -> [Float] {
    let alongRows = shape.map(values) { picture, channel, row, column in
      let sum = (-1...1).reduce(Float(0)) { $0 + picture(channel, row, column + $1) }
      return sum / 3
    }
    return shape.map(alongRows) { picture, channel, row, column in
      let sum = (-1...1).reduce(Float(0)) { $0 + picture(channel, row + $1, column) }
      return sum / 3
    }
  }

  private static func flattened(_ values: [Float], _ shape: PictureShape, factor: Double) -> [Float] {
    let means = shape.channelMeans(values)
    return shape.map(values) { picture, channel, row, column in
      Float(means[channel] + factor * (Double(picture(channel, row, column)) - means[channel]))
    }
  }

  private static func moved(
    _ values: [Float], _ shape: PictureShape, steps: Int, random: inout CounterRandom
  ) -> [Float] {
    let distance = max(1, Int((0.04 * Double(steps * min(shape.height, shape.width))).rounded()))
    let down = random.number(below: 2) == 0 ? -distance : distance
    let right = random.number(below: 2) == 0 ? -distance : distance
    return shape.map(values) { picture, channel, row, column in picture(channel, row - down, column - right) }
  }
}
