/// Samples of a feature map at places a grid names, each from −1 to 1 across the map.
public enum GridSampling {
  public enum Interpolation: Sendable {
    case nearest, linear, cubic
  }

  public enum Padding: Sendable {
    case zeros, border, reflection
  }

  /// Maps and grids of three axes; two-dimensional ones have a depth of one, which their grid does not name.
  public struct Layout: Sendable {
    public var batch: Int
    public var channels: Int
    /// Depth, height, width.
    public var sizes: [Int]
    /// Places sampled in each map.
    public var places: Int
    /// Numbers that name a place, width first.
    public var coordinates: Int
    public var interpolation: Interpolation
    public var padding: Padding
    /// Whether −1 and 1 are the centers of the outermost elements rather than their edges.
    public var alignsCorners: Bool

    public init(
      batch: Int, channels: Int, sizes: [Int], places: Int, coordinates: Int, interpolation: Interpolation,
      padding: Padding, alignsCorners: Bool
    ) {
      self.batch = batch
      self.channels = channels
      self.sizes = sizes
      self.places = places
      self.coordinates = coordinates
      self.interpolation = interpolation
      self.padding = padding
      self.alignsCorners = alignsCorners
    }

    var planeCount: Int { sizes.reduce(1, *) }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, grid: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ layout: Layout, workers: Workers
  ) {
    let (height, width) = (layout.sizes[1], layout.sizes[2])
    workers.forEachRange(of: layout.batch * layout.places, grain: max(1, 1_024 / max(1, layout.channels))) { range in
      for index in range {
        let (sample, place) = (index / layout.places, index % layout.places)
        let coordinates = grid + index * layout.coordinates
        let across = Taps(Double(coordinates[0]), width, layout)
        let down = Taps(Double(coordinates[1]), height, layout)
        let deep = layout.coordinates > 2 ? Taps(Double(coordinates[2]), layout.sizes[0], layout) : .single
        for channel in 0..<layout.channels {
          let plane = x + (sample * layout.channels + channel) * layout.planeCount
          var sum = 0.0
          for depth in 0..<deep.count where deep.weights[depth] != 0 {
            for row in 0..<down.count where down.weights[row] != 0 {
              let line = plane + (deep.positions[depth] * height + down.positions[row]) * width
              let weight = deep.weights[depth] * down.weights[row]
              for column in 0..<across.count where across.weights[column] != 0 {
                sum += weight * across.weights[column] * Double(line[across.positions[column]])
              }
            }
          }
          y[(sample * layout.channels + channel) * layout.places + place] = T(sum)
        }
      }
    }
  }

  /// The elements along one axis that make a sample, with their weights; zero for those that count as padding.
  private struct Taps {
    var positions = SIMD4<Int>()
    var weights = SIMD4<Double>()
    var count = 1

    static let single: Taps = {
      var taps = Taps()
      taps.weights[0] = 1
      return taps
    }()

    private init() {}

    init(_ coordinate: Double, _ size: Int, _ layout: Layout) {
      let last = Double(size - 1)
      var place = layout.alignsCorners ? (coordinate + 1) / 2 * last : ((coordinate + 1) * Double(size) - 1) / 2
      // Far outside, or no number at all: as far as padding cares.
      place = place.isFinite ? min(max(place, -1e9), 1e9) : -1e9
      if layout.interpolation != .cubic {
        if layout.padding == .border { place = min(max(place, 0), last) }
        if layout.padding == .reflection { place = Self.reflect(place, size, layout) }
      }
      switch layout.interpolation {
      case .nearest:
        add(Int(place.rounded(.toNearestOrEven)), 1, 0, size, layout)
      case .linear:
        count = 2
        let first = place.rounded(.down)
        add(Int(first), 1 - (place - first), 0, size, layout)
        add(Int(first) + 1, place - first, 1, size, layout)
      case .cubic:
        count = 4
        let first = place.rounded(.down)
        let weights = Self.cubic(place - first)
        for tap in 0..<4 { add(Int(first) + tap - 1, weights[tap], tap, size, layout) }
      }
    }

    private mutating func add(_ position: Int, _ weight: Double, _ tap: Int, _ size: Int, _ layout: Layout) {
      var inside = position
      if position < 0 || position >= size {
        guard layout.padding != .zeros, size > 0 else { return }
        let reflected = layout.padding == .reflection ? Self.reflect(Double(position), size, layout) : Double(position)
        inside = Int(min(max(reflected.rounded(.toNearestOrEven), 0), Double(size - 1)))
      }
      positions[tap] = inside
      weights[tap] = weight
    }

    private static func reflect(_ place: Double, _ size: Int, _ layout: Layout) -> Double {
      let (low, high) = layout.alignsCorners ? (0, Double(size - 1)) : (-0.5, Double(size) - 0.5)
      let span = high - low
      guard span > 0 else { return low }
      let distance = (place - low).magnitude
      let turns = (distance / span).rounded(.down)
      let rest = distance - turns * span
      return turns.truncatingRemainder(dividingBy: 2) == 0 ? low + rest : high - rest
    }

    /// Keys's kernel with a = −0.75.
    private static func cubic(_ t: Double) -> SIMD4<Double> {
      let a = -0.75
      func near(_ x: Double) -> Double { ((a + 2) * x - (a + 3)) * x * x + 1 }
      func far(_ x: Double) -> Double { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
      return SIMD4(far(t + 1), near(t), near(1 - t), far(2 - t))
    }
  }
}
