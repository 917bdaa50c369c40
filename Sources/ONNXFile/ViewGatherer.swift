import IR

/// Gathers a view piece by piece into buffers that are smaller than the view.
///
/// Walks the innermost cut axis in runs of neighbouring kept indices; runs of a few bytes are copied by a loop over
/// elements of fixed width, which the compiler turns into plain loads and stores.
struct ViewGatherer {
  private let view: TensorView
  private let source: UnsafeRawBufferPointer
  private let innermost: Int
  private let rowBytes: Int
  private let indices: [Int32]
  private let runs: [Range<Int>]
  private let strides: [Int]
  private let outerShape: [Int]
  private var position: [Int]
  private var base = 0
  private var run = 0
  /// Bytes of the current run that are done.
  private var done = 0
  private(set) var isAtEnd: Bool

  init(_ view: TensorView) {
    self.view = view
    source = UnsafeRawBufferPointer(
      rebasing: view.source.owner.bytes[view.source.offset..<(view.source.offset + view.source.count)])
    let innermost = view.kept.lastIndex { $0 != nil } ?? -1
    self.innermost = innermost
    let axes = max(0, innermost)
    rowBytes = view.sourceShape[(innermost + 1)...].reduce(view.elementBytes, *)
    indices = innermost >= 0 ? view.kept[innermost] ?? [] : [0]
    var runs: [Range<Int>] = []
    for index in indices {
      let start = Int(index) * rowBytes
      if let last = runs.last, last.upperBound == start {
        runs[runs.count - 1] = last.lowerBound..<(start + rowBytes)
      } else {
        runs.append(start..<(start + rowBytes))
      }
    }
    self.runs = runs
    var strides = [Int](repeating: innermost >= 0 ? view.sourceShape[innermost] * rowBytes : 0, count: axes)
    for axis in stride(from: axes - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * view.sourceShape[axis + 1]
    }
    self.strides = strides
    outerShape = (0..<axes).map { view.kept[$0]?.count ?? view.sourceShape[$0] }
    position = [Int](repeating: 0, count: axes)
    isAtEnd = view.byteCount == 0
    if !isAtEnd { base = baseOffset() }
  }

  private func baseOffset() -> Int {
    var offset = 0
    for axis in position.indices {
      offset += strides[axis] * (view.kept[axis].map { Int($0[position[axis]]) } ?? position[axis])
    }
    return offset
  }

  /// Fills as much of the buffer as it can and returns how many bytes that was.
  mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    let rowTotal = indices.count * rowBytes
    while !isAtEnd {
      if run == 0, done == 0, rowBytes <= 8, buffer.count - filled >= rowTotal, runs.count > 1 {
        gatherRow(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        filled += rowTotal
        advance()
        continue
      }
      let remaining = runs[run].count - done
      let count = min(remaining, buffer.count - filled)
      guard count > 0 else { return filled }
      let start = base + runs[run].lowerBound + done
      UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[start..<(start + count)]))
      filled += count
      done += count
      guard done == runs[run].count else { return filled }
      done = 0
      run += 1
      if run == runs.count { advance() }
    }
    return filled
  }

  private func gatherRow(_ target: UnsafeMutableRawBufferPointer) {
    let row = UnsafeRawBufferPointer(rebasing: source[base...])
    switch rowBytes {
    case 4: gather(row, target, UInt32.self)
    case 2: gather(row, target, UInt16.self)
    case 1: gather(row, target, UInt8.self)
    case 8: gather(row, target, UInt64.self)
    default:
      for (place, index) in indices.enumerated() {
        UnsafeMutableRawBufferPointer(rebasing: target[(place * rowBytes)...]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: row[(Int(index) * rowBytes)..<((Int(index) + 1) * rowBytes)]))
      }
    }
  }

  private func gather<Element: FixedWidthInteger>(
    _ row: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    guard let from = row.baseAddress, let to = target.baseAddress else { return }
    let width = MemoryLayout<Element>.size
    indices.withUnsafeBufferPointer { indices in
      for place in 0..<indices.count {
        let element = from.loadUnaligned(fromByteOffset: Int(indices[place]) * width, as: Element.self)
        to.storeBytes(of: element, toByteOffset: place * width, as: Element.self)
      }
    }
  }

  /// Moves to the next outer position.
  private mutating func advance() {
    run = 0
    var axis = position.count - 1
    while axis >= 0 {
      position[axis] += 1
      if position[axis] < outerShape[axis] { break }
      position[axis] = 0
      axis -= 1
    }
    if axis < 0 { isAtEnd = true } else { base = baseOffset() }
  }
}
