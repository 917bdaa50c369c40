/// A curve by which the numbers z of a picture, of mean zero and variance one, become those a model may have been
/// trained on: g·(max(z, 0) + o), or g·(−max(z, 0) + o).
///
/// Nothing tells how inputs were scaled: from 0 to 1, from 0 to 255, or about zero. Half of the pixels are the
/// background, as in many pictures.
struct Tone: Sendable, Equatable {
  /// Whether the background is brighter than what stands before it.
  let isNegative: Bool
  let offset: Float
  let gain: Float

  func callAsFunction(_ number: Float) -> Float {
    let bright = max(number, 0)
    return gain * ((isNegative ? -bright : bright) + offset)
  }

  /// All that are tried, in order: gains are powers of two from 1/16 to 256.
  static let all: [Tone] = {
    var tones: [Tone] = []
    for isNegative in [false, true] {
      for offset: Float in [0, 0.5, -0.5] {
        for exponent in -4...8 {
          let gain = Float(sign: .plus, exponent: exponent, significand: 1)
          tones.append(Tone(isNegative: isNegative, offset: offset, gain: gain))
        }
      }
    }
    return tones
  }()
}
