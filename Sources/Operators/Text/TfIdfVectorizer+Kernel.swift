import IR
import Kernels

extension TfIdfVectorizer {
  public func makeKernel(_ context: KernelContext) throws(KernelError) -> Kernel {
    let (input, output) = (try context.input(0), try context.output())
    guard input.rank == 1 || input.rank == 2, output.rank == input.rank, output.type == .float else {
      throw .invalid("its input has \(input.rank) axes, expected 1 or 2")
    }
    let vocabulary = try Vocabulary(context.node, columns: output.shape[output.rank - 1])
    let (rows, length) = (input.rank == 2 ? input.shape[0] : 1, input.shape[input.rank - 1])
    let isWide = try Moving.isWide(input)
    return Kernel { arguments throws(KernelError) in
      let y = arguments.output(0, as: Float.self)
      for row in 0..<rows {
        let words = (row * length..<(row + 1) * length).map { place in
          isWide ? arguments.input(0, as: Int64.self)[place] : Int64(arguments.input(0, as: Int32.self)[place])
        }
        vocabulary.count(words, y + row * vocabulary.columns)
      }
    }
  }

  /// The sequences that are counted, and what their counts become.
  private struct Vocabulary: Sendable {
    let columns: Int
    private var places: [[Int64]: Int] = [:]
    private var weights: [Float]
    private let lengths: ClosedRange<Int>
    private let gaps: Int
    private let countsOnce: Bool

    init(_ node: Node, columns: Int) throws(KernelError) {
      guard let words = node.ints("pool_int64s") else { throw .unsupported("a vocabulary of texts") }
      let starts = node.ints("ngram_counts") ?? []
      let indices = node.ints("ngram_indexes") ?? []
      let shortest = node.int("min_gram_length", default: 1)
      let longest = node.int("max_gram_length", default: 1)
      guard shortest > 0, longest >= shortest, longest <= 1 << 16 else {
        throw .invalid("it counts sequences of \(shortest) to \(longest) words")
      }
      lengths = Int(shortest)...Int(longest)
      gaps = Int(min(max(0, node.int("max_skip_count", default: 0)), 1 << 16))
      self.columns = columns
      let mode = node.string("mode") ?? "TF"
      countsOnce = mode == "IDF"
      weights = [Float](repeating: 1, count: columns)
      var position = 0
      for (order, start) in starts.enumerated() {
        let end = order + 1 < starts.count ? starts[order + 1] : Int64(words.count)
        guard start >= 0, start <= end, end <= words.count, (end - start) % Int64(order + 1) == 0 else {
          throw .invalid("its ngram_counts do not divide its words")
        }
        for first in stride(from: Int(start), to: Int(end), by: order + 1) {
          guard position < indices.count else { throw .invalid("it has more sequences than ngram_indexes") }
          guard indices[position] >= 0 else { throw .invalid("ngram_indexes has \(indices[position])") }
          places[Array(words[first...(first + order)])] = Int(indices[position])
          if mode != "TF", case .floats(let given) = node.attribute("weights"), position < given.count {
            weights[Int(indices[position])] = given[position]
          }
          position += 1
        }
      }
    }

    func count(_ words: [Int64], _ y: UnsafeMutablePointer<Float>) {
      y.update(repeating: 0, count: columns)
      for length in lengths where length <= words.count {
        // A word alone has no gaps.
        for step in 1...(length == 1 ? 1 : gaps + 1) {
          let span = (length - 1) * step
          if span >= words.count { break }
          for start in stride(from: 0, to: words.count - span, by: 1) {
            let sequence = (0..<length).map { words[start + $0 * step] }
            guard let place = places[sequence] else { continue }
            y[place] = countsOnce ? 1 : y[place] + 1
          }
        }
      }
      for place in 0..<columns { y[place] *= weights[place] }
    }
  }
}
