/// A decoded picture: 8 bits a sample, channels of a pixel beside each other, rows from the top.
struct PixelImage {
  var width: Int
  var height: Int
  /// 1 for grey, 3 for red, green and blue.
  var channels: Int
  var pixels: [UInt8]
}

/// The size of pictures after scaling and cropping.
public struct ImageSize: Sendable, Equatable {
  public var height: Int
  public var width: Int

  public init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }
}
