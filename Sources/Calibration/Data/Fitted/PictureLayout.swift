/// How the pixels of a picture lie in the numbers of a sample: channels first, or last.
struct PictureLayout: Sendable, Equatable {
  /// Planes one after the other: the channels where they come first, otherwise one.
  let planes: Int
  let height: Int
  let width: Int
  /// Numbers of a pixel in a plane: the channels where they come last, otherwise one.
  let pixelCount: Int

  var count: Int { planes * height * width * pixelCount }

  /// Pictures that are enough to take means and deviations of channels over: of large pictures a few, as each tells of
  /// many places.
  func pictures(limit: Int) -> Int {
    let places = Double(height) * Double(width)
    return min(limit, max(Self.leastPictures, Int(Double(limit) * Self.smallPlaces / max(1, places))))
  }

  private static let leastPictures = 8
  /// Places of a picture up to which all that are allowed are looked at.
  private static let smallPlaces = 1024.0

  /// For each number of a picture the place it has when the picture is rolled: what leaves on one side comes in on the
  /// other.
  func places(rolledDown down: Int, right: Int) -> [Int] {
    var places: [Int] = []
    places.reserveCapacity(count)
    for plane in 0..<planes {
      for row in 0..<height {
        let start = (plane * height + Self.wrapped(row + down, height)) * width
        for column in 0..<width {
          let pixel = (start + Self.wrapped(column + right, width)) * pixelCount
          for number in 0..<pixelCount { places.append(pixel + number) }
        }
      }
    }
    return places
  }

  private static func wrapped(_ place: Int, _ count: Int) -> Int { ((place % count) + count) % count }
}
