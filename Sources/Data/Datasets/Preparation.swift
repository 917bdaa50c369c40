import IR

/// How numbers are brought to the range a network expects: (x · scale − mean) ÷ deviation.
public struct Normalization: Sendable, Equatable {
  /// `nil` for what is usual for the data: 1 ÷ 255 for pictures stored as bytes, 1 for everything else.
  public var scale: Float?
  /// One number for every channel, or one for all. Channels are the first axis of a sample.
  public var mean: [Float]
  public var deviation: [Float]

  public init(scale: Float? = nil, mean: [Float] = [0], deviation: [Float] = [1]) {
    self.scale = scale
    self.mean = mean
    self.deviation = deviation
  }

  /// Numbers stay as they are, those of pictures too.
  public static let none = Normalization(scale: 1)

  /// Whether numbers stay as they are.
  var isIdentity: Bool { scale ?? 1 == 1 && mean.allSatisfy { $0 == 0 } && deviation.allSatisfy { $0 == 1 } }

  /// - Parameter isBytes: whether the data are pictures stored as bytes.
  func completed(forBytes isBytes: Bool) -> Normalization {
    Normalization(scale: scale ?? (isBytes ? 1 / 255 : 1), mean: mean, deviation: deviation)
  }

  /// The factor and the addend of every channel.
  /// - Throws: where the numbers do not fit the channels, or a deviation is not positive.
  func factors(channels: Int) throws(DataError) -> (factors: [Float], addends: [Float]) {
    for (name, values) in [("mean", mean), ("std", deviation)] where values.count != 1 && values.count != channels {
      throw .setting(name: name, reason: "\(values.count) numbers for \(channels) channels; give 1 or \(channels)")
    }
    if let wrong = deviation.first(where: { !($0 > 0 && $0.isFinite) }) {
      throw .setting(name: "std", reason: "\(wrong) is not a positive number")
    }
    let scale = scale ?? 1
    func value(_ values: [Float], _ channel: Int) -> Float { values[values.count == 1 ? 0 : channel] }
    let factors = (0..<channels).map { scale / value(deviation, $0) }
    let addends = (0..<channels).map { -value(mean, $0) / value(deviation, $0) }
    guard (factors + addends).allSatisfy(\.isFinite) else {
      throw .setting(name: "normalisation", reason: "scale ÷ std and mean ÷ std must be finite")
    }
    return (factors, addends)
  }
}

/// A change that leaves a picture what it is, drawn anew for every sample and epoch.
public enum Augmentation: Sendable, Equatable {
  /// Left and right are exchanged in half of the pictures.
  case horizontalFlip
  /// Moves pictures by up to so many pixels along both axes; what comes in from outside is 0. The same as padding by as
  /// much and cutting a piece of the original size out.
  case shift(pixels: Int)
  /// As `shift`, but what comes in is the mirrored picture.
  case reflectedShift(pixels: Int)

  /// Pixels: more than any picture has.
  private static let furthest = 1 << 20

  /// Reads `flip`, `shift:2`, `crop:4` (a shift by another name) and `reflect:4`.
  public init(_ text: String) throws(DataError) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let pixels = parts.count == 2 ? Int(parts[1]) : nil
    switch (parts.first, pixels) {
    case ("flip", nil) where parts.count == 1: self = .horizontalFlip
    case ("shift", let pixels?) where 0...Self.furthest ~= pixels: self = .shift(pixels: pixels)
    case ("crop", let pixels?) where 0...Self.furthest ~= pixels: self = .shift(pixels: pixels)
    case ("reflect", let pixels?) where 0...Self.furthest ~= pixels: self = .reflectedShift(pixels: pixels)
    default:
      throw .setting(
        name: "augmentation", reason: "'\(text)' is none; there are flip, shift:PIXELS, crop:PIXELS and reflect:PIXELS")
    }
  }
}

/// The order of a picture's axes.
public enum ImageLayout: String, Sendable, CaseIterable {
  /// Channels, rows, columns.
  case nchw
  /// Rows, columns, channels.
  case nhwc
}
