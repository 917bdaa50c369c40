/// Blocks of neighbouring positions that become channels, and the reverse.
public struct SpaceBlocks: Sendable {
  let batch: Int
  let channels: Int
  let height: Int
  let width: Int
  let block: Int
  let channelsFirst: Bool

  /// - Parameters:
  ///   - channels: those of the side with the larger images.
  ///   - height: of the smaller images, like `width`.
  ///   - channelsFirst: whether, among the many channels, those of one block position are `block`² apart rather than
  ///     next to each other.
  public init(batch: Int, channels: Int, height: Int, width: Int, block: Int, channelsFirst: Bool) {
    self.batch = batch
    self.channels = channels
    self.height = height
    self.width = width
    self.block = block
    self.channelsFirst = channelsFirst
  }

  @specialized(where T == UInt32)
  @specialized(where T == UInt64)
  public func depthToSpace<T: BitwiseCopyable>(
    _ input: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    forEachLine(workers) { deep, wide in
      for x in 0..<width { output[wide + x * block] = input[deep + x] }
    }
  }

  @specialized(where T == UInt32)
  @specialized(where T == UInt64)
  public func spaceToDepth<T: BitwiseCopyable>(
    _ input: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, _ workers: Workers
  ) {
    forEachLine(workers) { deep, wide in
      for x in 0..<width { output[deep + x] = input[wide + x * block] }
    }
  }

  /// Calls `body` with the first positions of a line of a small image, and of every `block`th element of a large one.
  @inline(__always)
  private func forEachLine(_ workers: Workers, _ body: (_ deep: Int, _ wide: Int) -> Void) {
    let square = block * block
    workers.forEachRange(of: batch * channels, grain: max(1, 32_768 / max(1, square * height * width))) { range in
      for index in range {
        let (image, channel) = index.quotientAndRemainder(dividingBy: channels)
        for position in 0..<square {
          let many = channelsFirst ? channel * square + position : position * channels + channel
          for y in 0..<height {
            let deep = ((image * channels * square + many) * height + y) * width
            let line = y * block + position / block
            body(deep, (index * height * block + line) * width * block + position % block)
          }
        }
      }
    }
  }
}
