import IR
import Testing

/// The bytes of a view, element by element.
private func gatheredOneByOne(_ view: TensorView) -> [UInt8] {
  var position = [Int](repeating: 0, count: view.shape.count)
  var result: [UInt8] = []
  guard view.byteCount > 0 else { return [] }
  while true {
    var element = 0
    for (axis, size) in view.sourceShape.enumerated() {
      element = element * size + (view.kept[axis].map { Int($0[position[axis]]) } ?? position[axis])
    }
    view.source.withUnsafeBytes { result += $0[(element * view.elementBytes)..<((element + 1) * view.elementBytes)] }
    var axis = position.count - 1
    while axis >= 0 {
      position[axis] += 1
      if position[axis] < view.shape[axis] { break }
      position[axis] = 0
      axis -= 1
    }
    if axis < 0 { return result }
  }
}

private func view(of shape: [Int], elementBytes: Int, kept: [[Int32]?]) -> TensorView {
  let count = shape.reduce(elementBytes, *)
  let source = ByteRegion(copying: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
  return TensorView(source: source, sourceShape: shape, elementBytes: elementBytes, kept: kept)
}

@Suite struct TensorViewTests {
  @Test("a view of several axes gathers the kept elements in order", arguments: [1, 2, 4, 8, 16])
  func severalAxes(elementBytes: Int) {
    for kept: [[Int32]?] in [
      [[0, 2], nil, [1, 2, 3]], [nil, [1], nil], [[1, 2], [0, 2], nil], [[0, 1, 2], [0, 1, 2], [0, 1, 2, 3, 4]],
      [nil, nil, [4]], [nil, nil, nil],
    ] {
      let view = view(of: [3, 3, 5], elementBytes: elementBytes, kept: kept)
      #expect(view.gathered().withUnsafeBytes { Array($0) } == gatheredOneByOne(view))
    }
  }

  @Test("neighbouring kept indices are handed over as one run")
  func runsAreJoined() {
    var runs: [Int] = []
    view(of: [8, 2], elementBytes: 4, kept: [[1, 2, 3, 6], nil]).forEachRun { runs.append($0.count) }
    #expect(runs == [24, 8])
  }

  @Test("an empty axis gathers nothing")
  func empty() {
    let view = view(of: [4, 3], elementBytes: 4, kept: [nil, []])
    #expect(view.shape == [4, 0])
    #expect(view.gathered().count == 0)
  }

  @Test("a scalar is gathered whole")
  func scalar() {
    #expect(view(of: [], elementBytes: 4, kept: []).gathered().count == 4)
  }
}
