/// Sums over all that each channel of an array of `outer` × `channels` × `inner` single-precision numbers holds: Σx,
/// Σ|x|, Σx², and how many numbers are exactly zero.
///
/// Added up in double precision, one outer index after the other: the same to the bit with one thread and with many,
/// and however the array is cut into parts along its outer axis.
public struct ChannelMoments: Sendable {
  public let channels: Int
  /// Numbers of each channel.
  public private(set) var count = 0
  /// Four numbers a channel: all sums, then all magnitudes, squares and counts of zeros.
  private var totals: [Double]

  public init(channels: Int) {
    self.channels = channels
    totals = [Double](repeating: 0, count: 4 * channels)
  }

  /// Σx of each channel.
  public var sums: [Double] { part(0) }
  /// Σ|x| of each channel.
  public var magnitudes: [Double] { part(1) }
  /// Σx² of each channel.
  public var squares: [Double] { part(2) }
  /// The numbers of each channel that are exactly zero.
  public var zeros: [Double] { part(3) }

  private func part(_ index: Int) -> [Double] { Array(totals[(index * channels)..<((index + 1) * channels)]) }

  /// Adds an array, row-major.
  /// - Precondition: it has `outer` × `channels` × `inner` elements.
  public mutating func add(_ elements: UnsafeBufferPointer<Float>, outer: Int, inner: Int, workers: Workers) {
    precondition(elements.count == outer * channels * inner, "an array of another size")
    guard let start = elements.baseAddress, !elements.isEmpty else { return }
    count += outer * inner
    let channels = channels
    totals.withUnsafeMutableBufferPointer { totals in
      guard let totals = totals.baseAddress else { return }
      let sums = MomentSums(start: totals, channels: channels)
      if inner == 1 {
        // Channels side by side are added up side by side.
        let blocks = (channels - 1) / MomentSums.width + 1
        let grain = max(1, MomentSums.grain / (outer * MomentSums.width))
        workers.forEachRange(of: blocks, grain: grain) { sums.addRows(start, rows: outer, blocks: $0) }
      } else {
        workers.forEachRange(of: channels, grain: max(1, MomentSums.grain / (outer * inner))) { range in
          for channel in range {
            for index in 0..<outer { sums.addRun(start + (index * channels + channel) * inner, inner, to: channel) }
          }
        }
      }
    }
  }
}

/// Where the sums of all channels are.
private struct MomentSums {
  /// Four numbers a channel.
  let start: UnsafeMutablePointer<Double>
  let channels: Int

  /// Channels that are added up side by side.
  static let width = 8
  /// Elements worth a thread.
  static let grain = 1 << 15
  /// Rows gone through for one block of channels before the next: so many stay in the cache.
  private static let tile = 256

  /// The numbers of one channel that lie one after the other.
  func addRun(_ x: UnsafePointer<Float>, _ count: Int, to channel: Int) {
    var lanes = MomentLanes()
    var index = 0
    while index + Self.width <= count {
      lanes.add(x + index)
      index += Self.width
    }
    start[channel] += lanes.sum.sum()
    start[channels + channel] += lanes.magnitude.sum()
    start[2 * channels + channel] += lanes.square.sum()
    start[3 * channels + channel] += Double(lanes.zeros.wrappedSum())
    while index < count {
      add(x[index], to: channel)
      index += 1
    }
  }

  /// Rows of one number a channel, for some blocks of channels.
  func addRows(_ x: UnsafePointer<Float>, rows: Int, blocks: Range<Int>) {
    for first in stride(from: 0, to: rows, by: Self.tile) {
      let tile = first..<min(rows, first + Self.tile)
      for block in blocks {
        let channel = block * Self.width
        if channel + Self.width <= channels {
          addWhole(x, tile, from: channel)
        } else {
          for row in tile {
            for rest in channel..<channels { add(x[row * channels + rest], to: rest) }
          }
        }
      }
    }
  }

  private func addWhole(_ x: UnsafePointer<Float>, _ rows: Range<Int>, from channel: Int) {
    var lanes = MomentLanes()
    lanes.sum = load(channel)
    lanes.magnitude = load(channels + channel)
    lanes.square = load(2 * channels + channel)
    for row in rows { lanes.add(x + row * channels + channel) }
    store(lanes.sum, channel)
    store(lanes.magnitude, channels + channel)
    store(lanes.square, 2 * channels + channel)
    for lane in 0..<Self.width { start[3 * channels + channel + lane] += Double(lanes.zeros[lane]) }
  }

  private func add(_ element: Float, to channel: Int) {
    let value = Double(element)
    start[channel] += value
    start[channels + channel] += abs(value)
    start[2 * channels + channel] += value * value
    if value == 0 { start[3 * channels + channel] += 1 }
  }

  private func load(_ index: Int) -> SIMD8<Double> {
    UnsafeRawPointer(start + index).loadUnaligned(as: SIMD8<Double>.self)
  }

  private func store(_ lanes: SIMD8<Double>, _ index: Int) {
    UnsafeMutableRawPointer(start + index).storeBytes(of: lanes, as: SIMD8<Double>.self)
  }
}

/// The sums of eight numbers at a time.
private struct MomentLanes {
  var sum = SIMD8<Double>()
  var magnitude = SIMD8<Double>()
  var square = SIMD8<Double>()
  var zeros = SIMD8<Int32>()

  @inline(__always)
  mutating func add(_ x: UnsafePointer<Float>) {
    let part = UnsafeRawPointer(x).loadUnaligned(as: SIMD8<Float>.self)
    let wide = SIMD8<Double>(part)
    sum += wide
    let withoutSign = unsafeBitCast(wide, to: SIMD8<UInt64>.self) & 0x7FFF_FFFF_FFFF_FFFF
    magnitude += unsafeBitCast(withoutSign, to: SIMD8<Double>.self)
    square += wide * wide
    // A lane of a comparison is −1 where it holds.
    zeros = zeros &- unsafeBitCast(part .== SIMD8<Float>(), to: SIMD8<Int32>.self)
  }
}
