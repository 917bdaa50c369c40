/// Chooses boxes by their scores, none of which covers much of another that was chosen before it.
public struct BoxSelection: Sendable {
  public struct Choice: Sendable {
    public let batch: Int
    public let category: Int
    public let index: Int
  }

  private let batch: Int
  private let categories: Int
  private let boxes: Int
  private let limit: Int
  private let overlap: Double
  private let leastScore: Double?
  private let areCentered: Bool

  /// - Parameters:
  ///   - limit: boxes chosen of each category, at most.
  ///   - overlap: the share of what two boxes cover together that both may cover.
  ///   - leastScore: what scores must exceed.
  ///   - areCentered: whether boxes are center and size (x first) rather than two corners (y first).
  public init(
    batch: Int, categories: Int, boxes: Int, limit: Int, overlap: Double, leastScore: Double?, areCentered: Bool
  ) {
    self.batch = batch
    self.categories = categories
    self.boxes = boxes
    self.limit = limit
    self.overlap = overlap
    self.leastScore = leastScore
    self.areCentered = areCentered
  }

  private struct Box {
    let low: SIMD2<Double>
    let high: SIMD2<Double>

    var area: Double { (high.x - low.x) * (high.y - low.y) }

    init(_ numbers: UnsafePointer<some Real>, isCentered: Bool) {
      let first = SIMD2(Double(numbers[0]), Double(numbers[1]))
      let second = SIMD2(Double(numbers[2]), Double(numbers[3]))
      let (a, b) = isCentered ? (first - second / 2, first + second / 2) : (first, second)
      low = SIMD2(min(a.x, b.x), min(a.y, b.y))
      high = SIMD2(max(a.x, b.x), max(a.y, b.y))
    }

    /// What both cover, as a share of what they cover together.
    func overlap(_ other: Box) -> Double {
      let width = min(high.x, other.high.x) - max(low.x, other.low.x)
      let height = min(high.y, other.high.y) - max(low.y, other.low.y)
      guard width > 0, height > 0 else { return 0 }
      return width * height / (area + other.area - width * height)
    }
  }

  public func callAsFunction<T: Real>(
    _ places: UnsafeBufferPointer<T>, _ scores: UnsafeBufferPointer<T>
  ) -> [Choice] {
    guard boxes > 0, limit > 0, let places = places.baseAddress, let scores = scores.baseAddress else { return [] }
    var result: [Choice] = []
    for sample in 0..<batch {
      let known = (0..<boxes).map { Box(places + (sample * boxes + $0) * 4, isCentered: areCentered) }
      for category in 0..<categories {
        let line = scores + (sample * categories + category) * boxes
        let order = (0..<boxes).filter { index in leastScore.map { Double(line[index]) > $0 } ?? true }
          .sorted { line[$0] == line[$1] ? $0 < $1 : line[$0] > line[$1] }
        var chosen: [Int] = []
        for index in order where chosen.allSatisfy({ known[$0].overlap(known[index]) <= overlap }) {
          chosen.append(index)
          if chosen.count >= limit { break }
        }
        result += chosen.map { Choice(batch: sample, category: category, index: $0) }
      }
    }
    return result
  }
}
