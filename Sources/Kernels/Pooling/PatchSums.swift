/// Adds up patches where they lie in an image: what `Col2Im` does.
public enum PatchSums {
  public struct Layout: Sendable {
    /// Batch times channels.
    public var planes: Int
    public var image: [Int]
    public var block: [Int]
    /// How many patches there are along each axis.
    public var counts: [Int]
    public var strides: [Int]
    public var dilations: [Int]
    public var before: [Int]

    public init(
      planes: Int, image: [Int], block: [Int], counts: [Int], strides: [Int], dilations: [Int], before: [Int]
    ) {
      self.planes = planes
      self.image = image
      self.block = block
      self.counts = counts
      self.strides = strides
      self.dilations = dilations
      self.before = before
    }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ layout: Layout, workers: Workers
  ) {
    let places = offsets(layout)
    let size = layout.image.reduce(1, *)
    workers.forEachRange(of: layout.planes, grain: max(1, 32_768 / max(1, places.count))) { range in
      places.withUnsafeBufferPointer { places in
        for plane in range {
          let (source, target) = (x + plane * places.count, y + plane * size)
          target.update(repeating: 0, count: size)
          for index in 0..<places.count where places[index] >= 0 { target[places[index]] += source[index] }
        }
      }
    }
  }

  /// Where in the image each element of a plane's patches belongs; −1 for the padding.
  private static func offsets(_ layout: Layout) -> [Int] {
    // Elements of the block first, then patches; both row-major.
    return grid(layout.block).flatMap { element in
      grid(layout.counts).map { patch in
        var offset = 0
        for axis in layout.image.indices {
          let place =
            patch[axis] * layout.strides[axis] + element[axis] * layout.dilations[axis] - layout.before[axis]
          guard place >= 0, place < layout.image[axis] else { return -1 }
          offset = offset * layout.image[axis] + place
        }
        return offset
      }
    }
  }

  private static func grid(_ sizes: [Int]) -> [[Int]] {
    sizes.reduce([[]]) { positions, size in positions.flatMap { position in (0..<size).map { position + [$0] } } }
  }
}
