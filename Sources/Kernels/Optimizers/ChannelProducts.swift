/// A tensor seen along one of its axes: `outer` blocks of `size` slices of `inner` numbers.
public struct AxisSlices: Sendable, Hashable {
  public let outer: Int
  public let size: Int
  public let inner: Int

  public init(_ shape: [Int], axis: Int) {
    outer = shape[..<axis].reduce(1, *)
    size = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }
}

/// Sums over what belongs to each channel of a tensor and of another of its shape.
public enum ChannelProducts {
  /// Adds Σ a·b of every slice to the sum of the channel it belongs to.
  /// - Parameter channels: of each index of the axis; less than 0 where it belongs to none.
  public static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ slices: AxisSlices, channels: [Int32],
    to sums: inout [Double]
  ) {
    for block in 0..<slices.outer {
      for (index, channel) in channels.enumerated() where channel >= 0 {
        let start = (block * slices.size + index) * slices.inner
        sums[Int(channel)] += product(a + start, b + start, count: slices.inner)
      }
    }
  }

  /// Σ a·b, in an order that depends on nothing but the count.
  @inline(__always)
  static func product(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Double {
    var lanes = SIMD8<Double>.zero
    var index = 0
    while index + 8 <= count {
      let x = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Float>.self)
      let y = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Float>.self)
      lanes += SIMD8<Double>(x) * SIMD8<Double>(y)
      index += 8
    }
    var sum = lanes.sum()
    while index < count {
      sum += Double(a[index]) * Double(b[index])
      index += 1
    }
    return sum
  }
}
