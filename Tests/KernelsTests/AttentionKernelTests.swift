import Kernels
import Testing

@Suite("Attention kernels")
struct AttentionKernelTests {
  private struct Random {
    private var state: UInt64 = 3

    mutating func numbers(_ count: Int) -> [Double] {
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 52) - 1
      }
    }
  }

  /// One attention, its operands side by side, keys and values shared by two heads each.
  private struct Example {
    let sizes: AttentionSizes
    let isCausal: Bool
    var query: [Double]
    var key: [Double]
    var value: [Double]

    init(queries: Int, keys: Int, isCausal: Bool) {
      var random = Random()
      sizes = AttentionSizes(
        batch: 2, heads: 4, groups: 2, queries: queries, keys: keys, width: 6, valueWidth: 5)
      self.isCausal = isCausal
      query = random.numbers(2 * queries * 24)
      key = random.numbers(2 * keys * 12)
      value = random.numbers(2 * keys * 10)
    }

    var queryStrides: HeadStrides { .sideBySide(positions: sizes.queries, columns: 24, width: 6) }
    var keyStrides: HeadStrides { .sideBySide(positions: sizes.keys, columns: 12, width: 6) }
    var valueStrides: HeadStrides { .sideBySide(positions: sizes.keys, columns: 10, width: 5) }
    var outputStrides: HeadStrides { .sideBySide(positions: sizes.queries, columns: 20, width: 5) }
    var scale: Double { 0.4 }

    var rule: ScoreRule<Double> {
      ScoreRule(
        scale: scale,
        visible: VisibleKeys(isCausal: isCausal, offsets: [sizes.keys - sizes.queries], lengths: [sizes.keys]))
    }

    func forward(workers: Workers = .one) throws -> [Double] {
      var output = [Double](repeating: .nan, count: 2 * sizes.queries * 20)
      var scratch = [Double](repeating: .nan, count: Attention.forwardScratchBytes(sizes, elementBytes: 8) / 8)
      let product = MatrixProduct(try BLAS.shared())
      output.withUnsafeMutableBufferPointer { output in
        scratch.withUnsafeMutableBufferPointer { scratch in
          Attention.forward(
            sizes, query: rows(query, queryStrides), key: rows(key, keyStrides), value: rows(value, valueStrides),
            rule: rule, output: MutableHeadRows(output.baseAddress!, outputStrides), scratch: scratch.baseAddress!,
            product: product, workers: workers)
        }
      }
      return output
    }

    private func rows(_ elements: [Double], _ strides: HeadStrides) -> HeadRows<Double> {
      elements.withUnsafeBufferPointer { HeadRows($0.baseAddress!, strides) }
    }

    func backward(_ above: [Double]) throws -> (query: [Double], key: [Double], value: [Double]) {
      var gradients = (query, key, value)
      var scratch = [Double](repeating: .nan, count: Attention.backwardScratchBytes(sizes, elementBytes: 8) / 8)
      let product = MatrixProduct(try BLAS.shared())
      gradients.0.withUnsafeMutableBufferPointer { q in
        gradients.1.withUnsafeMutableBufferPointer { k in
          gradients.2.withUnsafeMutableBufferPointer { v in
            scratch.withUnsafeMutableBufferPointer { scratch in
              Attention.backward(
                sizes, query: rows(query, queryStrides), key: rows(key, keyStrides),
                value: rows(value, valueStrides), rule: rule, outputGradient: rows(above, outputStrides),
                queryGradient: MutableHeadRows(q.baseAddress!, queryStrides),
                keyGradient: MutableHeadRows(k.baseAddress!, keyStrides),
                valueGradient: MutableHeadRows(v.baseAddress!, valueStrides), scratch: scratch.baseAddress!,
                product: product, workers: .all)
            }
          }
        }
      }
      return gradients
    }

    /// The definition, one query at a time.
    func naive() -> [Double] {
      var output = [Double](repeating: 0, count: 2 * sizes.queries * 20)
      for sample in 0..<2 {
        for head in 0..<4 {
          for row in 0..<sizes.queries {
            let seen = isCausal ? sizes.keys - sizes.queries + row + 1 : sizes.keys
            let scores = (0..<seen).map { column in
              (0..<6).reduce(0.0) { sum, index in
                sum + query[(sample * sizes.queries + row) * 24 + head * 6 + index]
                  * key[(sample * sizes.keys + column) * 12 + head / 2 * 6 + index]
              } * scale
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exponential($0 - largest) }
            let sum = weights.reduce(0, +)
            for index in 0..<5 {
              output[(sample * sizes.queries + row) * 20 + head * 5 + index] =
                (0..<seen).reduce(0.0) { result, column in
                  result + weights[column] / sum * value[(sample * sizes.keys + column) * 10 + head / 2 * 5 + index]
                }
            }
          }
        }
      }
      return output
    }

    /// By halving the argument until the series converges at once.
    private func exponential(_ x: Double) -> Double {
      let small = x / 1024
      var (sum, term) = (1.0, 1.0)
      for index in 1..<16 {
        term *= small / Double(index)
        sum += term
      }
      for _ in 0..<10 { sum *= sum }
      return sum
    }
  }

  @Test("attention agrees with its definition, whatever the tiles", arguments: [(3, 5), (1, 9), (70, 70), (65, 130)])
  func definition(_ lengths: (queries: Int, keys: Int)) throws {
    for isCausal in [false, true] {
      let example = Example(queries: lengths.queries, keys: lengths.keys, isCausal: isCausal)
      let (found, expected) = (try example.forward(), example.naive())
      let error = zip(found, expected).map { abs($0 - $1) }.max() ?? .nan
      #expect(error < 1e-10)
      #expect(try example.forward(workers: .all) == found, "threads change the result")
    }
  }

  @Test("gradients agree with central differences", arguments: [false, true])
  func gradients(isCausal: Bool) throws {
    var example = Example(queries: 5, keys: 7, isCausal: isCausal)
    var random = Random()
    let above = random.numbers(2 * 5 * 20)
    let gradients = try example.backward(above)
    func objective() throws -> Double { zip(try example.forward(), above).reduce(0) { $0 + $1.0 * $1.1 } }
    for (operand, gradient) in [(\Example.query, gradients.query), (\.key, gradients.key), (\.value, gradients.value)] {
      for index in stride(from: 0, to: gradient.count, by: 11) {
        let before = example[keyPath: operand][index]
        example[keyPath: operand][index] = before + 1e-5
        let up = try objective()
        example[keyPath: operand][index] = before - 1e-5
        let down = try objective()
        example[keyPath: operand][index] = before
        #expect(abs((up - down) / 2e-5 - gradient[index]) < 1e-7)
      }
    }
  }
}
