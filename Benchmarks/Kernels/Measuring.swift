import Foundation
import Kernels

/// Numbers of a fixed kind of noise, on cache lines.
final class Memory {
  let floats: UnsafeMutablePointer<Float>

  init(_ count: Int) {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(64, count * 4), alignment: 64)
    floats = raw.bindMemory(to: Float.self, capacity: max(16, count))
    for index in 0..<count { floats[index] = Float((index &* 7919) % 1000) * 0.002 - 1 }
  }

  deinit { floats.deallocate() }
}

/// Seconds of the quickest run in about half a second.
func quickest(_ body: () -> Void) -> Double {
  body()
  var best = Double.infinity
  let end = Date().addingTimeInterval(0.3)
  var runs = 0
  while runs < 5 || Date() < end {
    let start = DispatchTime.now().uptimeNanoseconds
    body()
    best = min(best, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    runs += 1
  }
  return best
}

/// What the machine can do at most.
struct Limits {
  /// Multiply-accumulates a second of large products.
  let productRate: Double
  /// Bytes a second read and written by copies of what is larger than the caches.
  let copyRate: Double

  init(_ product: MatrixProduct, _ workers: Workers) {
    let size = 1536
    let a = Memory(size * size)
    let b = Memory(size * size)
    let c = Memory(size * size)
    let seconds = quickest {
      product(
        rows: size, columns: size, inner: size, .init(UnsafePointer(a.floats), leading: size),
        .init(UnsafePointer(b.floats), leading: size), c.floats, leading: size, workers: workers)
    }
    productRate = Double(size * size) * Double(size) / seconds
    let count = 1 << 25
    let source = Memory(count)
    let target = Memory(count)
    let copying = quickest {
      workers.forEachRange(of: count, grain: count / 16) { range in
        (target.floats + range.lowerBound).update(from: source.floats + range.lowerBound, count: range.count)
      }
    }
    copyRate = Double(8 * count) / copying
  }
}
