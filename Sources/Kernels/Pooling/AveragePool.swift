/// Means over sliding windows: sums down the rows first, whole rows as vectors, then along what is left.
public enum AveragePool {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, countsPadding: Bool, _ geometry: PoolGeometry,
    workers: Workers
  ) {
    let width = geometry.width
    let counts = Counts<T>(geometry, countsPadding: countsPadding)
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      withUnsafeTemporaryAllocation(of: T.self, capacity: width.paddedLength + width.output) { buffer in
        guard let padded = buffer.baseAddress else { return }
        padded.initialize(repeating: 0, count: width.paddedLength)
        let (row, shares) = (padded + width.before, padded + width.paddedLength)
        for plane in range {
          let source = x + plane * geometry.inputCount
          var target = y + plane * geometry.outputCount
          geometry.forEachRow { depth, height in
            row.update(repeating: 0, count: width.input)
            geometry.forEachInputRow(depth, height) { offset in
              for index in 0..<width.input { row[index] += source[offset + index] }
            }
            for index in 0..<width.output { shares[index] = counts.share(depth, height, index) }
            reduceColumns(padded, shares, target, width)
            target += width.output
          }
        }
      }
    }
  }

  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func gradient<T: Real>(
    _ gradient: UnsafePointer<T>, _ output: UnsafeMutablePointer<T>, countsPadding: Bool, _ geometry: PoolGeometry,
    workers: Workers
  ) {
    let width = geometry.width
    let counts = Counts<T>(geometry, countsPadding: countsPadding)
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      withUnsafeTemporaryAllocation(of: T.self, capacity: width.paddedLength) { buffer in
        guard let padded = buffer.baseAddress else { return }
        let row = padded + width.before
        for plane in range {
          let target = output + plane * geometry.inputCount
          target.update(repeating: 0, count: geometry.inputCount)
          var source = gradient + plane * geometry.outputCount
          geometry.forEachRow { depth, height in
            padded.initialize(repeating: 0, count: width.paddedLength)
            for index in 0..<width.output {
              let share = source[index] * counts.share(depth, height, index)
              for tap in 0..<width.kernel { padded[index * width.stride + tap * width.dilation] += share }
            }
            geometry.forEachInputRow(depth, height) { offset in
              for index in 0..<width.input { target[offset + index] += row[index] }
            }
            source += width.output
          }
        }
      }
    }
  }

  @inline(__always)
  private static func reduceColumns<T: Real>(
    _ row: UnsafePointer<T>, _ shares: UnsafePointer<T>, _ target: UnsafeMutablePointer<T>,
    _ axis: PoolGeometry.Axis
  ) {
    var output = 0
    while output + 8 <= axis.output {
      var sum = SIMD8<T>()
      for tap in 0..<axis.kernel {
        sum += RowSums.load(row + output * axis.stride + tap * axis.dilation, stride: axis.stride)
      }
      RowSums.store(sum * RowSums.load(shares, output), target, output)
      output += 8
    }
    while output < axis.output {
      var sum: T = 0
      for tap in 0..<axis.kernel { sum += row[output * axis.stride + tap * axis.dilation] }
      target[output] = sum * shares[output]
      output += 1
    }
  }

  /// What the sum of a window is multiplied by: one over the number of its elements, a factor for each axis.
  private struct Counts<T: Real> {
    private let depth: [T]
    private let height: [T]
    private let width: [T]

    init(_ geometry: PoolGeometry, countsPadding: Bool) {
      let list: (PoolGeometry.Axis) -> [T] = { axis in
        (0..<axis.output).map { 1 / T(max(1, countsPadding ? axis.paddedCount($0) : axis.taps($0).count)) }
      }
      (depth, height, width) = (list(geometry.depth), list(geometry.height), list(geometry.width))
    }

    @inline(__always)
    func share(_ outputDepth: Int, _ outputHeight: Int, _ outputWidth: Int) -> T {
      depth[outputDepth] * height[outputHeight] * width[outputWidth]
    }
  }
}
