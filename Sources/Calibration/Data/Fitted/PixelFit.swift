import DataSources
import Glibc
import Kernels

/// Changes the pixels of pictures so that the spread loss gets smaller, by Adam (Kingma and Ba 2015).
///
/// Every step looks at some of the pictures, rolled by up to two pixels, so that no grid of the network's strides
/// shows in them. Pictures that a step does not look at have a gradient of zero there, and move on by their momentum.
/// The rate falls from 0.03 times the deviation of all numbers to zero by half a wave of a cosine.
struct PixelFit {
  /// Pictures of a step; see also ``SpreadGradients/fitting(_:pictures:shape:options:)``.
  static let pictureLimit = 64

  let gradients: SpreadGradients
  let layout: PictureLayout
  let steps: Int
  let seed: UInt64
  let workers: Workers

  private static let rate = 0.03
  private static let largestRoll = 2
  private static let firstDecay: Float = 0.9
  private static let secondDecay: Float = 0.99
  private static let epsilon: Float = 1e-8
  /// Far from what other draws from the same seed are for.
  private static let drawMark = -4

  /// - Parameter pictures: all of them, one after the other.
  /// - Returns: the fitted ones; `nil` where the loss or its gradient is not finite before a step, or after the last.
  /// - Throws: `RuntimeError` where the model cannot be run, and what `progress` throws.
  func callAsFunction(
    _ pictures: [Float], _ progress: Measuring.Progress = { _, _, _ in }
  ) throws -> [Float]? {
    var numbers = pictures
    var moments = [Moments](repeating: Moments(), count: pictures.count)
    let rate = Self.rate * Self.deviation(pictures)
    // One more look than there are steps: what the last step made has to have a finite loss as well.
    for step in 0...max(0, steps) {
      let draw = Draw(step, of: pictures.count / layout.count, count: gradients.pictureCount, layout, seed: seed)
      let (loss, gradient) = try gradients(draw.gathered(from: numbers))
      guard loss.isFinite, !gradient.isEmpty, gradient.allSatisfy({ $0.isFinite }) else { return nil }
      if step >= steps { break }
      let decay = 0.5 + 0.5 * cos(Double.pi * Double(step) / Double(steps))
      move(&numbers, &moments, draw, gradient, rate: Float(rate * decay), step: step)
      try progress("fitting samples", step + 1, steps)
    }
    // The last look was not at all pictures.
    return numbers.allSatisfy({ $0.isFinite }) ? numbers : nil
  }

  private static func deviation(_ numbers: [Float]) -> Double {
    let count = Double(max(1, numbers.count))
    let mean = numbers.reduce(0.0) { $0 + Double($1) } / count
    return (numbers.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count).squareRoot()
  }

  // MARK: Steps

  /// The running means of a number's gradients and of their squares.
  private struct Moments {
    var first: Float = 0
    var second: Float = 0
  }

  private func move(
    _ numbers: inout [Float], _ moments: inout [Moments], _ draw: Draw, _ gradient: [Float], rate: Float, step: Int
  ) {
    let size = layout.count
    // Of the sum over the pictures: the loss is a mean.
    let scale = Float(gradients.pictureCount)
    let firstBias = 1 - Float(pow(Double(Self.firstDecay), Double(step + 1)))
    let secondBias = 1 - Float(pow(Double(Self.secondDecay), Double(step + 1)))
    numbers.withUnsafeMutableBufferPointer { numbers in
      moments.withUnsafeMutableBufferPointer { moments in
        // Every picture is changed by one thread.
        nonisolated(unsafe) let numbers = numbers
        nonisolated(unsafe) let moments = moments
        workers.forEach(draw.slots.count) { picture in
          let slot = draw.slots[picture]
          for place in 0..<size {
            let index = picture * size + place
            var slope: Float = 0
            if let slot { slope = scale * gradient[slot * size + draw.places[place]] }
            var moment = moments[index]
            moment.first = Self.firstDecay * moment.first + (1 - Self.firstDecay) * slope
            moment.second = Self.secondDecay * moment.second + (1 - Self.secondDecay) * slope * slope
            moments[index] = moment
            let deviation = (moment.second / secondBias).squareRoot() + Self.epsilon
            numbers[index] -= rate * (moment.first / firstBias) / deviation
          }
        }
      }
    }
  }

  /// What a step looks at.
  private struct Draw {
    /// The pictures, in the order they are run.
    let chosen: [Int]
    /// For each picture its place among the chosen ones.
    let slots: [Int?]
    /// Where the numbers of a picture lie while it is rolled.
    let places: [Int]

    init(_ step: Int, of count: Int, count limit: Int, _ layout: PictureLayout, seed: UInt64) {
      var random = CounterRandom(seed: seed, PixelFit.drawMark, step)
      chosen = Array(random.permutation(count).prefix(limit))
      var slots = [Int?](repeating: nil, count: count)
      for (slot, picture) in chosen.enumerated() { slots[picture] = slot }
      self.slots = slots
      let range = 2 * PixelFit.largestRoll + 1
      let down = random.number(below: range) - PixelFit.largestRoll
      let right = random.number(below: range) - PixelFit.largestRoll
      places = layout.places(rolledDown: down, right: right)
    }

    func gathered(from numbers: [Float]) -> [Float] {
      let size = places.count
      var result = [Float](repeating: 0, count: chosen.count * size)
      for (slot, picture) in chosen.enumerated() {
        for place in 0..<size { result[slot * size + places[place]] = numbers[picture * size + place] }
      }
      return result
    }
  }
}
