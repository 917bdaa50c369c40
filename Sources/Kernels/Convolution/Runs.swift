/// Short runs of elements: a call of the C library costs more than most of them.
enum Runs {
  @inline(__always)
  static func copy<T: Real>(_ source: UnsafePointer<T>, to target: UnsafeMutablePointer<T>, count: Int) {
    var index = 0
    while index + 8 <= count {
      store(load(source + index, SIMD8<T>.self), target + index)
      index += 8
    }
    if index + 4 <= count {
      store(load(source + index, SIMD4<T>.self), target + index)
      index += 4
    }
    while index < count {
      target[index] = source[index]
      index += 1
    }
  }

  @inline(__always)
  static func copy<T: Real>(_ source: UnsafePointer<T>, stride: Int, to target: UnsafeMutablePointer<T>, count: Int) {
    var index = 0
    if stride == 2 {
      // Of the last element's pair only the first is known to be there.
      while index + 8 < count {
        store(load(source + 2 * index, SIMD16<T>.self).evenHalf, target + index)
        index += 8
      }
    }
    while index < count {
      target[index] = source[index * stride]
      index += 1
    }
  }

  /// Copies a line into memory whose lines are written in rising order: up to fifteen elements behind it are
  /// overwritten, the first eight with zeros.
  /// - Parameter readable: elements that may be read from `source` on.
  @inline(__always)
  static func place<T: Real>(
    _ source: UnsafePointer<T>, stride: Int, readable: Int, to target: UnsafeMutablePointer<T>, count: Int
  ) {
    if stride == 1, (count + 7) & ~7 <= readable {
      var index = 0
      while index < count {
        store(load(source + index, SIMD8<T>.self), target + index)
        index += 8
      }
    } else if stride == 2, 2 * ((count + 7) & ~7) <= readable {
      var index = 0
      while index < count {
        store(load(source + 2 * index, SIMD16<T>.self).evenHalf, target + index)
        index += 8
      }
    } else {
      for index in 0..<count { target[index] = source[index * stride] }
    }
    store(SIMD8<T>(), target + count)
  }

  /// Copies lines `pitch` apart, eight elements of which may be read behind the last one, to lines without gaps.
  @inline(__always)
  static func copyLines<T: Real>(
    _ source: UnsafePointer<T>, pitch: Int, to target: UnsafeMutablePointer<T>, lines: Int, count: Int
  ) {
    let total = lines * count
    let vectors = (count + 7) & ~7
    for line in 0..<lines {
      let (from, to) = (source + line * pitch, target + line * count)
      if line * count + vectors <= total {
        // What is written too much, the next line overwrites.
        var index = 0
        while index < count {
          store(load(from + index, SIMD8<T>.self), to + index)
          index += 8
        }
      } else {
        copy(from, to: to, count: count)
      }
    }
  }

  /// Writes elements from position `start` on of the sequence even[0], odd[0], even[1], odd[1], …
  @inline(__always)
  static func interleave<T: Real>(
    _ even: UnsafePointer<T>, _ odd: UnsafePointer<T>, from start: Int, to target: UnsafeMutablePointer<T>, count: Int
  ) {
    var index = 0
    if start % 2 == 1, count > 0 {
      target[0] = odd[start / 2]
      index = 1
    }
    var pair = (start + index) / 2
    while index + 16 <= count {
      var both = SIMD16<T>()
      both.evenHalf = load(even + pair, SIMD8<T>.self)
      both.oddHalf = load(odd + pair, SIMD8<T>.self)
      store(both, target + index)
      index += 16
      pair += 8
    }
    while index < count {
      target[index] = (start + index) % 2 == 0 ? even[(start + index) / 2] : odd[(start + index) / 2]
      index += 1
    }
  }

  @inline(__always)
  static func zero<T: Real>(_ target: UnsafeMutablePointer<T>, count: Int) {
    var index = 0
    while index + 8 <= count {
      store(SIMD8<T>(), target + index)
      index += 8
    }
    while index < count {
      target[index] = 0
      index += 1
    }
  }

  @inline(__always)
  static func load<T: Real, Vector: SIMD>(_ source: UnsafePointer<T>, _: Vector.Type) -> Vector
  where Vector.Scalar == T {
    UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  static func store<T: Real, Vector: SIMD>(_ vector: Vector, _ target: UnsafeMutablePointer<T>)
  where Vector.Scalar == T {
    UnsafeMutableRawPointer(target).storeBytes(of: vector, as: Vector.self)
  }
}
