import Dispatch
import IR
import Synchronization

/// Pictures in one folder a class, decoded when a batch asks for them.
///
/// Classes are numbered by the sorted names of their folders, samples by class and then by the name of the file.
public struct ImageFolder: Dataset {
  public let source: String
  public let fields: [DataField]
  public let classNames: [String]
  public let size: ImageSize
  private let channels: Int
  private let paths: [String]
  private let classes: [Int]
  private let isScaled: Bool
  private let inspection = Inspection()

  /// What looking at all pictures gave: that is done once, however often it is asked for.
  private final class Inspection: Sendable {
    let digest = Mutex<UInt64?>(nil)
  }

  /// - Parameters:
  ///   - size: what every picture is scaled and cropped to; `nil` for the size of the first one, which all must have.
  ///   - channels: 3, or 1 for grey.
  public init(
    _ path: String, size: ImageSize? = nil, channels: Int = 3, field: String
  ) throws(DataError) {
    guard channels == 1 || channels == 3 else {
      throw .setting(name: "channels", reason: "pictures have 1 or 3, not \(channels)")
    }
    if let size, size.height < 1 || size.width < 1 || size.height > 1 << 14 || size.width > 1 << 14 {
      throw .setting(name: "size", reason: "\(size.height) × \(size.width) is not from 1 to 16,384")
    }
    var paths: [String] = []
    var classes: [Int] = []
    classNames = try InputFile.names(in: path).filter { InputFile.isFolder("\(path)/\($0)") }
    for (number, name) in classNames.enumerated() {
      for file in try InputFile.names(in: "\(path)/\(name)") where Self.isPicture(file) {
        paths.append("\(path)/\(name)/\(file)")
        classes.append(number)
      }
    }
    guard let first = paths.first else { throw .empty(source: path) }
    if let size {
      self.size = size
    } else {
      let image = try ImageDecoder.decode(try InputFile(path: first), channels: channels)
      self.size = ImageSize(height: image.height, width: image.width)
    }
    self.paths = paths
    self.classes = classes
    self.channels = channels
    isScaled = size != nil
    source = path
    fields = [
      DataField(name: field, dataType: .uint8, shape: [channels, self.size.height, self.size.width], source: path),
      DataField(name: labelField, dataType: .int64, shape: [], source: "\(path): folders"),
    ]
  }

  public var count: Int { paths.count }

  public var storedArrays: [StoredArray] {
    [StoredArray(field: labelField, source: "\(source): folders", tensor: Tensor(int64s: classes.map { Int64($0) }))]
  }

  public func inspect() throws(DataError) -> UInt64 {
    if let known = inspection.digest.withLock({ $0 }) { return known }
    let digest = try decodeAll()
    inspection.digest.withLock { $0 = digest }
    return digest
  }

  private struct Findings {
    var digests: [UInt64]
    var fault: (index: Int, error: DataError)?

    /// What comes after a fault is not told, so need not be found.
    func matters(_ index: Int) -> Bool { fault.map { index < $0.index } ?? true }

    mutating func add(_ error: DataError, _ index: Int) {
      if matters(index) { fault = (index, error) }
    }
  }

  /// Decodes every picture, on all processors: only so is it known before training that each can be.
  /// - Returns: a digest of names, contents and sizes.
  /// - Throws: what is wrong with the first picture that cannot be used.
  private func decodeAll() throws(DataError) -> UInt64 {
    let findings = Mutex(Findings(digests: [UInt64](repeating: 0, count: paths.count)))
    DispatchQueue.concurrentPerform(iterations: paths.count) { index in
      guard findings.withLock({ $0.matters(index) }) else { return }
      do throws(DataError) {
        let found = try pictureDigest(index)
        findings.withLock { $0.digests[index] = found }
      } catch {
        findings.withLock { $0.add(error, index) }
      }
    }
    if let error = findings.withLock({ $0.fault?.error }) { throw error }
    var fingerprint = Fingerprint()
    fingerprint.add("\(fields[0].shape) \(isScaled)")
    for digest in findings.withLock({ $0.digests }) { fingerprint.add(digest) }
    return fingerprint.value
  }

  /// Of the name below the folder and the file, which has to be a picture of the right size.
  private func pictureDigest(_ index: Int) throws(DataError) -> UInt64 {
    let file = try InputFile(path: paths[index])
    _ = try decoded(file)
    var fingerprint = Fingerprint()
    fingerprint.add(String(paths[index].dropFirst(source.count)))
    file.region.withUnsafeBytes { fingerprint.add($0) }
    return fingerprint.value
  }

  public func batch(indices: [Int], epoch: Int) throws(DataError) -> [String: Tensor] {
    let bytes = channels * size.height * size.width
    let pictures = try ByteRegion(count: bytes * indices.count) { output throws(DataError) in
      for (row, index) in indices.enumerated() {
        let image = ImageScaler.fit(try decoded(try InputFile(path: paths[index])), to: size)
        place(image, UnsafeMutableRawBufferPointer(rebasing: output[(row * bytes)..<((row + 1) * bytes)]))
      }
    }
    let field = fields[0]
    return [
      field.name: Tensor(
        name: field.name, dataType: .uint8, shape: [indices.count] + field.shape, storage: .bytes(pictures)),
      labelField: Tensor(name: labelField, int64s: indices.map { Int64(classes[$0]) }),
    ]
  }

  /// A picture as it is stored.
  private func decoded(_ file: InputFile) throws(DataError) -> PixelImage {
    let image = try ImageDecoder.decode(file, channels: channels)
    guard isScaled || (image.height == size.height && image.width == size.width) else {
      throw .unsupported(
        path: file.path, place: "",
        reason: "it has \(image.height) × \(image.width) pixels, the first picture has \(size.height) × \(size.width); "
          + "give a size to scale to (--image-size)")
    }
    return image
  }

  /// Writes a picture with each channel apart, as networks take it.
  private func place(_ image: PixelImage, _ output: UnsafeMutableRawBufferPointer) {
    let area = size.height * size.width
    image.pixels.withUnsafeBufferPointer { pixels in
      for channel in 0..<channels {
        for pixel in 0..<area { output[channel * area + pixel] = pixels[pixel * channels + channel] }
      }
    }
  }

  static func isPicture(_ name: String) -> Bool {
    ImageDecoder.suffixes.contains { name.lowercased().hasSuffix($0) }
  }
}
