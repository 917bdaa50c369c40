import CPNG
import CTurboJPEG
import Glibc
import IR
import Testing

@testable import DataSources

@Suite struct ImageFolderTests {
  /// - Parameter pixels: red, green and blue of each.
  static func png(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(width)
    image.height = UInt32(height)
    image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    var count = png_alloc_size_t(pixels.count * 2 + 4096)
    var output = [UInt8](repeating: 0, count: Int(count))
    png_image_write_to_memory(&image, &output, &count, 0, pixels, Int32(width * 3), nil)
    return Array(output.prefix(Int(count)))
  }

  static func jpeg(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    let handle = tjInitCompress()
    defer { tjDestroy(handle) }
    var buffer: UnsafeMutablePointer<UInt8>?
    var count: CUnsignedLong = 0
    tjCompress2(
      handle, pixels, Int32(width), 0, Int32(height), Int32(TJPF_RGB.rawValue), &buffer, &count,
      Int32(TJSAMP_444.rawValue), 100, 0)
    defer { tjFree(buffer) }
    return Array(UnsafeBufferPointer(start: buffer, count: Int(count)))
  }

  @Test("folders are classes in their order, channels are apart")
  func classes() throws {
    let folder = try ScratchFolder()
    _ = (folder.folder("dog"), folder.folder("cat"))
    try folder.file("dog/1.png", Self.png([1, 2, 3, 4, 5, 6], width: 2, height: 1))
    try folder.file("cat/2.png", Self.png([7, 8, 9, 10, 11, 12], width: 2, height: 1))
    try folder.file("cat/notes.txt", "no picture")
    let data = try ImageFolder(folder.path, field: "x")
    #expect(data.count == 2 && data.classNames == ["cat", "dog"])
    let batch = try data.batch(indices: [1, 0])
    #expect(batch["x"]?.bytes == [1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12])
    #expect(batch["x"]?.shape == [2, 3, 1, 2] && batch["label"]?.int64s == [1, 0])
  }

  @Test("the pictures of a folder are known by whatever path leads to them, and nothing else is taken for one")
  func pictures() throws {
    let (folder, other) = (try ScratchFolder(), try ScratchFolder())
    _ = (folder.folder("cat"), other.folder("dog"))
    symlink(other.path + "/dog", folder.path + "/dog")
    defer { unlink(folder.path + "/dog") }
    for name in ["cat/1.png", "cat/notes.txt", "top.png"] { try folder.file(name, "") }
    try other.file("dog/2.JPG", "")
    symlink(folder.path + "/cat/1.png", other.path + "/link")
    for (place, name) in [(folder, "cat/1.png"), (folder, "dog/2.JPG"), (other, "dog/2.JPG"), (other, "link")] {
      #expect(ImageFolder.isPicture("\(place.path)/\(name)", in: folder.path), "\(name)")
    }
    for name in ["cat/new.png", "cat/notes.txt", "top.png", "cat"] {
      #expect(!ImageFolder.isPicture("\(folder.path)/\(name)", in: folder.path), "\(name)")
    }
    #expect(!ImageFolder.isPicture(folder.path + "/cat/1.png", in: folder.path + "/cat/notes.txt"))
  }

  @Test("JPEG pictures are decoded, to grey where one channel is asked for")
  func jpeg() throws {
    let folder = try ScratchFolder()
    _ = folder.folder("a")
    let pixels = [UInt8](repeating: 120, count: 16 * 16 * 3)
    try folder.file("a/1.JPG", Self.jpeg(pixels, width: 16, height: 16))
    let grey = try ImageFolder(folder.path, channels: 1, field: "x").batch(indices: [0])["x"]
    #expect(grey?.shape == [1, 1, 16, 16] && grey?.bytes.allSatisfy { abs(Int($0) - 120) <= 1 } == true)
    let colour = try ImageFolder(folder.path, field: "x").batch(indices: [0])["x"]
    #expect(colour?.shape == [1, 3, 16, 16] && colour?.bytes.allSatisfy { abs(Int($0) - 120) <= 1 } == true)
  }

  @Test("pictures of different sizes need a size to be scaled to")
  func sizes() throws {
    let folder = try ScratchFolder()
    _ = folder.folder("a")
    try folder.file("a/1.png", Self.png([UInt8](repeating: 9, count: 12), width: 2, height: 2))
    try folder.file("a/2.png", Self.png([UInt8](repeating: 9, count: 48), width: 8, height: 2))
    let text = message { _ = try ImageFolder(folder.path, field: "x").batch(indices: [0, 1]) }
    #expect(text.contains("a/2.png") && text.contains("give a size to scale to"))
    let scaled = try ImageFolder(folder.path, size: ImageSize(height: 3, width: 3), field: "x")
    #expect(try scaled.batch(indices: [0, 1])["x"]?.bytes == [UInt8](repeating: 9, count: 54))
  }

  @Test("a broken picture is named before training, the first of several")
  func broken() throws {
    let folder = try ScratchFolder()
    _ = folder.folder("a")
    let whole = Self.png([UInt8](repeating: 9, count: 300), width: 10, height: 10)
    try folder.file("a/1.png", whole)
    try folder.file("a/2.png", Array(whole.prefix(40)))
    let data = try ImageFolder(folder.path, field: "x")
    #expect(message { _ = try data.batch(indices: [1]) }.contains("a/2.png: the PNG picture cannot be decoded"))
    try folder.file("a/3.jpg", "hello, I am no picture")
    func fault() -> String { message { try DatasetCheck().run(try ImageFolder(folder.path, field: "x")) } }
    #expect(fault().contains("a/2.png: the PNG picture cannot be decoded") && fault().contains("check that"))
    try folder.file("a/2.png", whole)
    #expect(fault().contains("a/3.jpg") && fault().contains("neither a PNG nor a JPEG"))
    let jpeg = Self.jpeg([UInt8](repeating: 9, count: 300), width: 10, height: 10)
    try folder.file("a/3.jpg", Array(jpeg.prefix(jpeg.count / 2)))
    #expect(fault().contains("a/3.jpg: the JPEG picture cannot be decoded"))
    try folder.file("a/3.jpg", jpeg)
    #expect(fault() == "no error")
    try folder.file("a/4.png", Self.png([1, 2, 3], width: 1, height: 1))
    #expect(fault().contains("a/4.png") && fault().contains("--image-size"))
  }

  @Test("pictures are looked at once, and known by their names and contents wherever they are")
  func digest() throws {
    func digest(_ name: String, _ value: UInt8, channels: Int = 3) throws -> String {
      let folder = try ScratchFolder()
      _ = folder.folder("a")
      try folder.file("a/\(name)", Self.png([value, value, value], width: 1, height: 1))
      let data = try ImageFolder(folder.path, channels: channels, field: "x")
      let digest = try data.digest()
      try folder.file("a/\(name)", "no picture any more")
      #expect(try data.digest() == digest)
      return digest
    }
    let known = try digest("1.png", 9)
    #expect(try digest("1.png", 9) == known)
    #expect(try digest("1.png", 8) != known)
    #expect(try digest("2.png", 9) != known)
    #expect(try digest("1.png", 9, channels: 1) != known)
  }

  @Test("a folder without pictures has no samples")
  func empty() throws {
    let folder = try ScratchFolder()
    #expect(message { _ = try DataSpecification(path: folder.path).open() }.contains("holds no samples"))
  }
}

@Suite struct ImageScalerTests {
  /// What Pillow 12 gives for `resize(…, BILINEAR)` of the same picture.
  @Test(
    "scaling agrees with Pillow's",
    arguments: [
      (3, 4, [49, 125, 115, 101, 134, 156, 121, 148, 145, 107, 110, 137]),
      (
        7, 4,
        [
          14, 93, 88, 111, 55, 144, 151, 89, 96, 139, 89, 110, 137, 190, 152, 183, 178, 129, 83, 146, 168, 112, 146,
          124, 99, 88, 84, 146,
        ]
      ),
      (2, 2, [110, 121, 132, 128]),
    ])
  func pillow(height: Int, width: Int, expected: [Int]) {
    var pixels: [UInt8] = []
    for row in 0..<7 {
      for column in 0..<9 { pixels.append(UInt8((row * 37 + column * column * 11 + row * column * 5) % 256)) }
    }
    let image = PixelImage(width: 9, height: 7, channels: 1, pixels: pixels)
    let scaled = ImageScaler.scale(image, ImageSize(height: height, width: width))
    #expect(scaled.pixels.map(Int.init) == expected)
  }

  @Test("the shorter side is scaled, the middle of the longer one kept")
  func fit() {
    let pixels: [UInt8] = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]
    let image = PixelImage(width: 6, height: 2, channels: 1, pixels: pixels)
    #expect(ImageScaler.fit(image, to: ImageSize(height: 2, width: 2)).pixels == [3, 4, 3, 4])
  }
}
