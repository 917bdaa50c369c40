import CPNG
import CTurboJPEG
import IR

/// Decodes PNG and JPEG files through libpng and libjpeg-turbo.
enum ImageDecoder {
  /// A picture beyond this many pixels is taken for an attack on memory.
  static let largestPixelCount = 1 << 28

  static let suffixes = [".png", ".jpg", ".jpeg"]

  private enum Kind {
    case png
    case jpeg
  }

  private static func kind(of region: ByteRegion, _ path: String) throws(DataError) -> Kind {
    if region.big(UInt64.self, at: 0) == 0x8950_4e47_0d0a_1a0a { return .png }
    if region.big(UInt16.self, at: 0) == 0xffd8 { return .jpeg }
    throw .unsupported(path: path, place: "", reason: "it is neither a PNG nor a JPEG picture; remove or convert it")
  }

  /// - Parameter channels: 1 or 3; pictures of the other kind are converted.
  static func decode(_ file: InputFile, channels: Int) throws(DataError) -> PixelImage {
    switch try kind(of: file.region, file.path) {
    case .png: return try png(file.region, channels, file.path)
    case .jpeg: return try jpeg(file.region, channels, file.path)
    }
  }

  private static func png(_ region: ByteRegion, _ channels: Int, _ path: String) throws(DataError) -> PixelImage {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    return try region.withUnsafeBytes { bytes throws(DataError) in
      guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
        throw .malformed(path: path, place: "", reason: message(image))
      }
      image.format = channels == 1 ? 0 : UInt32(PNG_FORMAT_FLAG_COLOR)
      let (width, height) = (Int(image.width), Int(image.height))
      try checkSize(width, height, path)
      var pixels = [UInt8](repeating: 0, count: width * height * channels)
      // What is transparent is laid over black.
      var background = png_color()
      let done = pixels.withUnsafeMutableBytes {
        png_image_finish_read(&image, &background, $0.baseAddress, Int32(width * channels), nil)
      }
      guard done != 0 else { throw .malformed(path: path, place: "", reason: message(image)) }
      return PixelImage(width: width, height: height, channels: channels, pixels: pixels)
    }
  }

  private static func message(_ image: png_image) -> String {
    let text = withUnsafeBytes(of: image.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return "the PNG picture cannot be decoded (\(text))"
  }

  private static func jpeg(_ region: ByteRegion, _ channels: Int, _ path: String) throws(DataError) -> PixelImage {
    guard let handle = tjInitDecompress() else {
      throw .unsupported(path: path, place: "", reason: "no JPEG decoder could be made")
    }
    defer { tjDestroy(handle) }
    return try region.withUnsafeBytes { bytes throws(DataError) in
      let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let count = CUnsignedLong(bytes.count)
      var (width, height, subsampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
      guard tjDecompressHeader3(handle, start, count, &width, &height, &subsampling, &space) == 0 else {
        throw .malformed(path: path, place: "", reason: jpegMessage(handle))
      }
      try checkSize(Int(width), Int(height), path)
      let format = Int32(channels == 1 ? TJPF_GRAY.rawValue : TJPF_RGB.rawValue)
      var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * channels)
      let status = tjDecompress2(
        handle, start, count, &pixels, width, width * Int32(channels), height, format, Int32(TJFLAG_ACCURATEDCT))
      guard status == 0 else { throw .malformed(path: path, place: "", reason: jpegMessage(handle)) }
      return PixelImage(width: Int(width), height: Int(height), channels: channels, pixels: pixels)
    }
  }

  private static func jpegMessage(_ handle: tjhandle) -> String {
    let text = tjGetErrorStr2(handle).map { String(cString: $0) } ?? "no reason given"
    return "the JPEG picture cannot be decoded (\(text))"
  }

  private static func checkSize(_ width: Int, _ height: Int, _ path: String) throws(DataError) {
    guard width > 0, height > 0, width <= largestPixelCount / height else {
      throw .unsupported(path: path, place: "", reason: "\(width) × \(height) pixels are more than are decoded")
    }
  }
}
