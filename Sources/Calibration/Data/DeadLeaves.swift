import Glibc

/// Generates pictures that have much in common with photographs: leaves that fell one on the other.
///
/// Discs and polygons whose radii follow the power law p(r) ∝ r⁻³ and which hide what lies below make a picture that
/// looks the same at every scale, with edges, occlusions and, as natural pictures have it, power that falls with the
/// square of the frequency (Lee, Mumford, Huang, "Occlusion models for natural images: a statistical study of a
/// scale-invariant dead leaves model", IJCV 41, 2001). White noise has none of that: filters that look for edges and
/// surfaces stay nearly silent on it, and what is measured of deeper layers says little of what they do with pictures.
///
/// The colours of a leaf are nearly the same in all channels, as they are in photographs. A smooth random field stands
/// for light and shade, slight noise for the grain of a sensor. Each picture has mean zero and variance one over all its
/// channels.
struct DeadLeaves {
  let channels: Int
  let height: Int
  let width: Int

  /// Pictures are at least so high and wide.
  static let smallestSide = 8
  /// How much of a colour each channel has for itself: channels correlate by 1 / (1 + 0.35²), nearly 0.9.
  private static let tint = 0.35
  private static let shade = 0.5
  private static let waves = 6
  private static let grain = 0.05
  /// Times that leaves cover the picture, on the average.
  private static let coverage = 4.0

  /// A picture, channels first.
  func picture(_ random: inout SampleRandom) -> [Double] {
    var pixels = leaves(&random)
    light(&pixels, &random)
    for index in pixels.indices { pixels[index] += Self.grain * random.normal() }
    Self.standardise(&pixels)
    return pixels
  }

  // MARK: Leaves

  private var smallestRadius: Double { max(1.5, Double(min(height, width)) / 48) }
  private var largestRadius: Double { Double(min(height, width)) / 2 }

  /// So many leaves that their areas, π·E[r²] each, add up to the picture's several times.
  private var leafCount: Int {
    let (least, most) = (1 / (smallestRadius * smallestRadius), 1 / (largestRadius * largestRadius))
    let meanSquare = 2 * log(largestRadius / smallestRadius) / (least - most)
    return Int(Self.coverage * Double(height * width) / (Double.pi * meanSquare)) + 1
  }

  private func leaves(_ random: inout SampleRandom) -> [Double] {
    let area = height * width
    let ground = colour(&random)
    var pixels = (0..<(channels * area)).map { ground[$0 / area] }
    for _ in 0..<leafCount {
      let leaf = Leaf(radius: radius(&random), height: Double(height), width: Double(width), &random)
      let colour = self.colour(&random)
      leaf.forEachPixel(height: height, width: width) { pixel in
        for channel in 0..<channels { pixels[channel * area + pixel] = colour[channel] }
      }
    }
    return pixels
  }

  /// Drawn from p(r) ∝ r⁻³ by the inverse of its distribution function.
  private func radius(_ random: inout SampleRandom) -> Double {
    let (least, most) = (1 / (smallestRadius * smallestRadius), 1 / (largestRadius * largestRadius))
    return 1 / (least + (most - least) * random.uniform()).squareRoot()
  }

  private func colour(_ random: inout SampleRandom) -> [Double] {
    let brightness = random.normal()
    var colour: [Double] = []
    for _ in 0..<channels { colour.append(brightness + Self.tint * random.normal()) }
    return colour
  }

  // MARK: Light

  /// Adds a few long waves, the shorter the weaker, to all channels alike.
  private func light(_ pixels: inout [Double], _ random: inout SampleRandom) {
    for _ in 0..<Self.waves {
      // In periods over the picture.
      let (down, across) = (random.uniform(from: -2, to: 2), random.uniform(from: -2, to: 2))
      let phase = random.uniform(from: 0, to: 2 * Double.pi)
      let strength = Self.shade * random.normal() / (1 + (down * down + across * across).squareRoot())
      let rows = Self.wave(height, periods: down, phase: phase)
      let columns = Self.wave(width, periods: across, phase: 0)
      for channel in 0..<channels {
        for row in 0..<height {
          let start = (channel * height + row) * width
          let (cosine, sine) = (strength * rows[row].cosine, strength * rows[row].sine)
          // cos(a + b) = cos a · cos b − sin a · sin b
          for column in 0..<width {
            pixels[start + column] += cosine * columns[column].cosine - sine * columns[column].sine
          }
        }
      }
    }
  }

  private static func wave(_ count: Int, periods: Double, phase: Double) -> [(cosine: Double, sine: Double)] {
    (0..<count).map { place in
      let angle = phase + 2 * Double.pi * periods * Double(place) / Double(count)
      return (cosine: cos(angle), sine: sin(angle))
    }
  }

  private static func standardise(_ pixels: inout [Double]) {
    let count = Double(max(1, pixels.count))
    let mean = pixels.reduce(0, +) / count
    let variance = pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let scale = variance > 0 ? 1 / variance.squareRoot() : 1
    for index in pixels.indices { pixels[index] = (pixels[index] - mean) * scale }
  }
}

/// A disc or a regular polygon that lies somewhere on a picture.
private struct Leaf {
  let row: Double
  let column: Double
  let radius: Double
  /// Where the edges of a polygon face; none for a disc.
  let facing: [(row: Double, column: Double)]
  /// From the centre to the edges.
  let apothem: Double

  init(radius: Double, height: Double, width: Double, _ random: inout SampleRandom) {
    self.radius = radius
    // Leaves may lie across the border, so that it is no special place.
    row = random.uniform(from: -radius, to: height + radius)
    column = random.uniform(from: -radius, to: width + radius)
    // Every other leaf is a disc; polygons have three to six edges.
    let edges = random.number(below: 2) == 0 ? 0 : 3 + random.number(below: 4)
    let turn = random.uniform(from: 0, to: 2 * Double.pi)
    facing = (0..<edges).map { edge in
      let angle = turn + 2 * Double.pi * Double(edge) / Double(edges)
      return (row: sin(angle), column: cos(angle))
    }
    apothem = edges == 0 ? radius : radius * cos(Double.pi / Double(edges))
  }

  private func covers(_ row: Int, _ column: Int) -> Bool {
    let (down, across) = (Double(row) - self.row, Double(column) - self.column)
    guard down * down + across * across <= radius * radius else { return false }
    return facing.allSatisfy { $0.row * down + $0.column * across <= apothem }
  }

  /// Calls `body` with the place of each pixel it covers.
  func forEachPixel(height: Int, width: Int, _ body: (Int) -> Void) {
    let rows = (max(0, Int((row - radius).rounded(.up))), min(height - 1, Int((row + radius).rounded(.down))))
    let columns = (
      max(0, Int((column - radius).rounded(.up))), min(width - 1, Int((column + radius).rounded(.down)))
    )
    for row in stride(from: rows.0, through: rows.1, by: 1) {
      for column in stride(from: columns.0, through: columns.1, by: 1) where covers(row, column) {
        body(row * width + column)
      }
    }
  }
}
