import Kernels
import Testing

@Suite("Moments of channels")
struct ChannelMomentsTests {
  struct Sizes: Sendable, CustomStringConvertible {
    let outer: Int
    let channels: Int
    let inner: Int

    var description: String { "\(outer) × \(channels) × \(inner)" }
  }

  static let sizes = [
    Sizes(outer: 1, channels: 1, inner: 1), Sizes(outer: 3, channels: 5, inner: 1),
    Sizes(outer: 300, channels: 21, inner: 1), Sizes(outer: 520, channels: 64, inner: 1),
    Sizes(outer: 2, channels: 3, inner: 7), Sizes(outer: 4, channels: 6, inner: 49),
    Sizes(outer: 2, channels: 40, inner: 1024), Sizes(outer: 0, channels: 3, inner: 4),
  ]

  /// Numbers between −1 and 1, every fifth of which is zero.
  private func numbers(_ count: Int) -> [Float] {
    var state: UInt64 = 5
    return (0..<count).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return index % 5 == 0 ? 0 : Float(Int64(bitPattern: state) >> 40) / Float(1 << 23)
    }
  }

  private func moments(_ values: [Float], _ sizes: Sizes, workers: Workers = .one) -> ChannelMoments {
    var moments = ChannelMoments(channels: sizes.channels)
    values.withUnsafeBufferPointer { moments.add($0, outer: sizes.outer, inner: sizes.inner, workers: workers) }
    return moments
  }

  /// All numbers a channel has, so that sums of them may be made in the simplest way.
  private func numbers(of channel: Int, _ values: [Float], _ sizes: Sizes) -> [Double] {
    (0..<(sizes.outer * sizes.inner)).map { index in
      let place = (index / sizes.inner * sizes.channels + channel) * sizes.inner + index % sizes.inner
      return Double(values[place])
    }
  }

  @Test("sums agree with naive loops", arguments: sizes)
  func sums(sizes: Sizes) {
    let values = numbers(sizes.outer * sizes.channels * sizes.inner)
    let found = moments(values, sizes)
    #expect(found.count == sizes.outer * sizes.inner)
    for channel in 0..<sizes.channels {
      let own = numbers(of: channel, values, sizes)
      #expect(abs(found.sums[channel] - own.reduce(0, +)) < 1e-9)
      #expect(abs(found.magnitudes[channel] - own.reduce(0) { $0 + abs($1) }) < 1e-9)
      #expect(abs(found.squares[channel] - own.reduce(0) { $0 + $1 * $1 }) < 1e-9)
      #expect(found.zeros[channel] == Double(own.count { $0 == 0 }))
    }
  }

  @Test("sums are the same to the bit with any number of threads, and in parts", arguments: sizes)
  func order(sizes: Sizes) {
    let values = numbers(sizes.outer * sizes.channels * sizes.inner)
    let expected = moments(values, sizes)
    var parts = ChannelMoments(channels: sizes.channels)
    let (first, line) = (sizes.outer / 3, sizes.channels * sizes.inner)
    values.withUnsafeBufferPointer { values in
      parts.add(
        UnsafeBufferPointer(rebasing: values[..<(first * line)]), outer: first, inner: sizes.inner, workers: .one)
      parts.add(
        UnsafeBufferPointer(rebasing: values[(first * line)...]), outer: sizes.outer - first, inner: sizes.inner,
        workers: .one)
    }
    for found in [moments(values, sizes, workers: Workers(count: 3)), parts] {
      #expect(found.count == expected.count)
      #expect(found.sums == expected.sums && found.magnitudes == expected.magnitudes)
      #expect(found.squares == expected.squares && found.zeros == expected.zeros)
    }
  }

  @Test("what is no number shows in its own channel alone", arguments: [1, 9])
  func notFinite(inner: Int) {
    let sizes = Sizes(outer: 2, channels: 9, inner: inner)
    var values = numbers(18 * inner)
    values[3 * inner] = .nan
    let found = moments(values, sizes)
    #expect(found.sums.map(\.isFinite) == (0..<9).map { $0 != 3 })
    #expect(found.magnitudes.map(\.isFinite) == (0..<9).map { $0 != 3 })
  }

  @Test("negative zero is zero")
  func negativeZero() {
    let sizes = Sizes(outer: 1, channels: 1, inner: 9)
    #expect(moments([0, -0.0, 1, 0, -0.0, 0, 0, 0, -0.0], sizes).zeros == [8])
  }
}
