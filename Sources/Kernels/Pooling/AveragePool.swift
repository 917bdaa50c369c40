/// Means over sliding windows: sums down the rows first, whole rows as vectors, then along what is left.
public enum AveragePool {
  @specialized(where T == Float)
  @specialized(where T == Double)
  public static func apply<T: Real>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, countsPadding: Bool, _ geometry: PoolGeometry,
    workers: Workers
  ) {
    let width = geometry.width
    let counts = Counts(geometry, countsPadding: countsPadding)
    workers.forEachRange(of: geometry.planes, grain: geometry.grain) { range in
      withUnsafeTemporaryAllocation(of: T.self, capacity: width.paddedLength) { buffer in
        guard let padded = buffer.baseAddress else { return }
        padded.initialize(repeating: 0, count: width.paddedLength)
        let row = padded + width.before
        for plane in range {
          let source = x + plane * geometry.inputCount
          var target = y + plane * geometry.outputCount
          geometry.forEachRow { depth, height in
            row.update(repeating: 0, count: width.input)
            geometry.forEachInputRow(depth, height) { offset in
              for index in 0..<width.input { row[index] += source[offset + index] }
            }
            for index in 0..<width.output {
              var sum: T = 0
              for tap in 0..<width.kernel { sum += padded[index * width.stride + tap * width.dilation] }
              target[index] = sum / T(counts.count(depth, height, index))
            }
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
    let counts = Counts(geometry, countsPadding: countsPadding)
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
              let share = source[index] / T(counts.count(depth, height, index))
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

  /// By how much the sum of a window is divided.
  private struct Counts {
    private let depth: [Int]
    private let height: [Int]
    private let width: [Int]

    init(_ geometry: PoolGeometry, countsPadding: Bool) {
      let list: (PoolGeometry.Axis) -> [Int] = { axis in
        (0..<axis.output).map { countsPadding ? axis.paddedCount($0) : axis.taps($0).count }
      }
      (depth, height, width) = (list(geometry.depth), list(geometry.height), list(geometry.width))
    }

    @inline(__always)
    func count(_ outputDepth: Int, _ outputHeight: Int, _ outputWidth: Int) -> Int {
      max(1, depth[outputDepth] * height[outputHeight] * width[outputWidth])
    }
  }
}
