import Testing

@testable import Kernels

@Suite("Functions of floats")
struct UnaryMapTests {
  /// The double path goes through the C library.
  @Test(
    "vectors agree with the C library to a few units in the last place",
    arguments: [
      (UnaryMap.Function.exp, Float(-87)...88), (.tanh, -10...10), (.sigmoid, -80...80), (.erf, -5...5),
      (.log, 1e-30...1000), (.softplus, -20...20),
    ])
  func precision(_ function: UnaryMap.Function, _ range: ClosedRange<Float>) {
    let count = 4001
    let step = (range.upperBound - range.lowerBound) / Float(count - 1)
    let floats = (0..<count).map { range.lowerBound + Float($0) * step }
    var results = Array(repeating: Float(0), count: count)
    UnaryMap(function)(floats, &results, count: count)
    var expected = Array(repeating: 0.0, count: count)
    UnaryMap(function)(floats.map(Double.init), &expected, count: count)
    for index in 0..<count {
      let error = abs(Double(results[index]) - expected[index]) / Double(Float(expected[index]).ulp)
      #expect(error <= 4, "\(function) of \(floats[index]): \(results[index]), expected \(expected[index])")
    }
  }

  @Test("what is not a number stays so, and ends are met")
  func ends() {
    let inputs: [Float] = [.nan, .infinity, -.infinity, 0]
    func map(_ function: UnaryMap.Function) -> [Float] {
      var results = Array(repeating: Float(0), count: 4)
      UnaryMap(function)(inputs, &results, count: 4)
      return results
    }
    for function in [UnaryMap.Function.exp, .log, .tanh, .sigmoid, .relu, .erf] { #expect(map(function)[0].isNaN) }
    #expect(map(.exp)[1...] == [.infinity, 0, 1])
    #expect(map(.tanh)[1...] == [1, -1, 0])
    #expect(map(.sigmoid)[1...] == [1, 0, 0.5])
    #expect(map(.log)[1] == .infinity && map(.log)[2].isNaN && map(.log)[3] == -.infinity)
  }
}
