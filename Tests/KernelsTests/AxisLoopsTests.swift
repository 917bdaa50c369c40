import Kernels
import Testing

@Suite("Operations along an axis")
struct AxisLoopsTests {
  @Test(
    "what is no number counts as the greatest, in order",
    arguments: [(true, [Int64(0), 2, 4, 1, 3]), (false, [Int64(3), 1, 4, 0, 2])])
  func top(isGreatest: Bool, expected: [Int64]) {
    let x: [Float] = [.nan, 2, .nan, 1, 3]
    var positions = [Int64](repeating: -1, count: x.count)
    AxisLoops(shape: [x.count], axis: 0).top(
      x.count, x, nil, &positions, isGreatest: isGreatest, workers: .one)
    #expect(positions == expected)
  }
}
