import DataSources
import IR
import Kernels
import Runtime
import Training

/// One input of a model that samples are generated for.
struct GeneratedInput: Sendable {
  let name: String
  /// Half precision is widened when it is read, so it is made as single precision.
  let type: DataType
  /// Without the axis of samples.
  let shape: [Int]
  private let content: Content

  /// What the numbers are.
  private enum Content: Sendable {
    /// Of mean zero and variance one, each by itself.
    case normal
    case picture(DeadLeaves, channelsLast: Bool)
    case indices(below: Int)
    /// A mask lets everything through.
    case ones
  }

  /// - Parameter rows: of the table that the input's numbers choose from, where there is one.
  init(name: String, type: DataType, shape: [Int], rows: Int?) throws(TrainingError) {
    self.name = name
    self.type = type == .float16 || type == .bfloat16 ? .float : type
    self.shape = shape
    let isReal = self.type == .float || self.type == .double
    if type == .bool || name.lowercased().contains("mask"), isReal || Self.largest(type) != nil {
      content = .ones
    } else if isReal || (type == .uint8 && rows == nil), let picture = Self.picture(shape) {
      content = picture
    } else if isReal {
      content = .normal
    } else if let largest = Self.largest(type) {
      // Zeros and ones where nothing tells what the numbers are.
      content = .indices(below: max(1, min(rows ?? 2, largest)))
    } else {
      throw TrainingError(
        .settings, "input \(name) is \(type), for which nothing can be generated; give data instead of noise")
    }
  }

  /// The largest number of an integer type; `nil` for other types.
  private static func largest(_ type: DataType) -> Int? {
    switch type {
    case .bool: 1
    case .int8: Int(Int8.max)
    case .uint8: Int(UInt8.max)
    case .int16: Int(Int16.max)
    case .uint16: Int(UInt16.max)
    case .int32, .uint32: Int(Int32.max)
    case .int64, .uint64: Int.max
    default: nil
    }
  }

  /// What takes one or three channels of two axes is a picture, whichever of the two usual orders they are in.
  private static func picture(_ shape: [Int]) -> Content? {
    guard shape.count == 3 else { return nil }
    func picture(_ channels: Int, _ height: Int, _ width: Int, last: Bool) -> Content? {
      guard channels == 1 || channels == 3, min(height, width) >= DeadLeaves.smallestSide else { return nil }
      return .picture(DeadLeaves(channels: channels, height: height, width: width), channelsLast: last)
    }
    return picture(shape[0], shape[1], shape[2], last: false) ?? picture(shape[2], shape[0], shape[1], last: true)
  }

  /// How the numbers of a picture lie; `nil` for what is none.
  var pictureLayout: PictureLayout? {
    guard case .picture(let leaves, let channelsLast) = content else { return nil }
    return PictureLayout(
      planes: channelsLast ? 1 : leaves.channels, height: leaves.height, width: leaves.width,
      pixelCount: channelsLast ? leaves.channels : 1)
  }

  // MARK: Samples

  /// Some samples, stacked along the first axis.
  func tensor(_ samples: Range<Int>, seed: UInt64) throws(TrainingError) -> Tensor {
    let size = try byteCount(samples.count) / max(1, samples.count)
    let region = ByteRegion(count: size * samples.count) { memory in
      Workers.all.forEach(samples.count) { row in
        var random = SampleRandom(seed: seed, input: name, sample: samples.lowerBound + row)
        let own = UnsafeMutableRawBufferPointer(rebasing: memory[(row * size)..<((row + 1) * size)])
        store(numbers(&random), in: own)
      }
    }
    return Tensor(name: name, dataType: type, shape: [samples.count] + shape, storage: .bytes(region))
  }

  /// Bytes of so many samples.
  /// - Throws: where the machine has fewer.
  func byteCount(_ samples: Int) throws(TrainingError) -> Int {
    var bytes = type.byteWidth ?? 1
    var overflows = false
    for size in shape + [samples] where !overflows { (bytes, overflows) = bytes.multipliedReportingOverflow(by: size) }
    guard !overflows, bytes <= MachineMemory.byteCount else {
      throw TrainingError(
        .settings,
        "\(samples) samples of input \(name) of shape \(shape) take more memory than this machine has; "
          + "give a smaller --input-shape")
    }
    return bytes
  }

  private func numbers(_ random: inout SampleRandom) -> [Double] {
    let count = shape.reduce(1, *)
    switch content {
    case .ones: return [Double](repeating: 1, count: count)
    case .normal:
      return [Double](unsafeUninitializedCapacity: count) { numbers, initialized in
        for index in 0..<count { numbers.initializeElement(at: index, to: random.normal()) }
        initialized = count
      }
    case .indices(let bound):
      var numbers = [Double](repeating: 0, count: count)
      for index in numbers.indices { numbers[index] = Double(random.number(below: bound)) }
      return numbers
    case .picture(let leaves, let channelsLast):
      let picture = leaves.picture(&random)
      let ordered = channelsLast ? Self.channelsLast(picture, leaves.channels) : picture
      // Bytes are centred, and three deviations wide on either side.
      return type == .uint8 ? ordered.map { min(max(128 + 42 * $0, 0), 255) } : ordered
    }
  }

  private static func channelsLast(_ picture: [Double], _ channels: Int) -> [Double] {
    let area = picture.count / channels
    return picture.indices.map { picture[$0 % channels * area + $0 / channels] }
  }

  private func store(_ numbers: [Double], in memory: UnsafeMutableRawBufferPointer) {
    func fill<Number: BitwiseCopyable>(_ convert: (Double) -> Number) {
      let width = MemoryLayout<Number>.size
      for (index, number) in numbers.enumerated() {
        memory.storeBytes(of: convert(number), toByteOffset: index * width, as: Number.self)
      }
    }
    switch type {
    case .double: fill { $0 }
    case .float: fill { Float($0) }
    case .int64, .uint64: fill { Int64($0) }
    case .int32, .uint32: fill { Int32($0) }
    case .int16: fill { Int16($0) }
    case .uint16: fill { UInt16($0) }
    case .int8: fill { Int8($0) }
    default: fill { UInt8($0) }
    }
  }
}
