import Glibc
import IR
import Kernels
import Runtime
import TestSupport
import Testing
import Training

@testable import Calibration

/// Generated pictures that are fitted to convolutional networks.
@Suite("Fitted samples")
struct FittedSamplesTests {
  static let convolutions = """
    x: float[N, 1, 8, 8]
    a = Conv(x, w[4, 1, 3, 3], b[4]) { pads: [1, 1, 1, 1] }
    r = Relu(a)
    c = Conv(r, v[3, 4, 3, 3], d[3]) { pads: [1, 1, 1, 1] }
    g = GlobalAveragePool(c)
    f = Flatten(g)
    y = Gemm(f, m[3, 2], n[2])
    return y
    """

  private func loss(_ model: Model) throws -> SpreadLoss {
    let input = try model.value("x")
    return SpreadLoss(model, SpreadLoss.layers(of: model, behind: input), input: input, type: .float)
  }

  private let options = RuntimeOptions(workers: .one)

  private func generated(
    _ model: Model, count: Int = 6, seed: UInt64 = 1, steps: Int = 10, workers: Workers = .one
  ) throws -> CalibrationData {
    try .generated(for: model, count: count, seed: seed, fitSteps: steps, runtime: RuntimeOptions(workers: workers))
  }

  private func numbers(_ data: CalibrationData, _ range: Range<Int>) throws -> [Float] {
    try #require(try data.samples(range).inputs["x"]?.floats())
  }

  // MARK: The loss

  @Test("the loss is what its formula says, whatever the operator set", arguments: [13, 17, 18] as [Int64])
  func lossByHand(opset: Int64) throws {
    let model = try GraphText.model(Self.convolutions, opset: opset)
    let pictures = randomInput([2, 1, 8, 8])
    let found = try ToneSearch(try loss(model), options: options).value(of: pictures)
    let expected = try HandLoss(model).value(try #require(pictures.doubles()))
    #expect(abs(Double(found) - expected) < 1e-4 * expected, "\(found) where \(expected) is expected")
  }

  @Test("its gradient is that of difference quotients")
  func gradient() throws {
    let model = try GraphText.model(Self.convolutions)
    let pictures = randomInput([2, 1, 8, 8])
    let gradients = try SpreadGradients(try loss(model), pictures: 2, shape: [1, 8, 8], options: options)
    let found = try gradients(try #require(pictures.floats())).gradient
    #expect(found.count == 128)
    let hand = try HandLoss(model)
    let numbers = try #require(pictures.doubles())
    let places = Array(stride(from: 0, to: 128, by: 3))
    let expected = places.map { place -> Double in
      var (more, less) = (numbers, numbers)
      more[place] += 1e-6
      less[place] -= 1e-6
      return (hand.value(more) - hand.value(less)) / 2e-6
    }
    #expect(relativeError(places.map { Double(found[$0]) }, expected) < 1e-3)
  }

  // MARK: Batch normalization

  private static let normalized = """
    x: float[N, 1, 8, 8]
    a = Conv(x, w[4, 1, 3, 3])
    n = BatchNormalization(a, s[4]+, t[4], mean[4], var[4]+) { epsilon: 0.0 }
    c = Conv(n, v[3, 4, 3, 3])
    y = BatchNormalization(c, s2[3]+, t2[3], mean2[3], var2[3]+) { epsilon: 0.0 }
    return y
    """

  /// The model with running statistics as they are on some pictures.
  private func recalibrated(on pictures: Tensor) throws -> Model {
    let data = CalibrationData(pictures)
    return try Recalibration()(try GraphText.model(Self.normalized), on: data).model
  }

  private func changed(_ model: Model, _ name: String, _ change: (Int, Float) throws -> Float) throws -> Model {
    var model = model
    let index = try #require(model.graph.initializers.firstIndex { $0.tensor.name == name })
    let tensor = model.graph.initializers[index].tensor
    let numbers = try #require(tensor.floats())
    model.graph.initializers[index].tensor = Tensor(
      name: name, floats: try numbers.enumerated().map { try change($0.offset, $0.element) }, shape: tensor.shape)
    return model
  }

  @Test("where batch normalizations hold what the pictures make, nothing is lost")
  func statistics() throws {
    let pictures = randomInput([4, 1, 8, 8])
    let model = try recalibrated(on: pictures)
    func loss(_ model: Model) throws -> Double {
      Double(try ToneSearch(try self.loss(model), options: options).value(of: pictures))
    }
    #expect(try loss(model) < 1e-6)
    // Means that are off by a deviation, and deviations that are off by a factor of two, of one of two layers.
    let index = try #require(model.graph.initializers.first { $0.tensor.name == "var2" })
    let variances = try #require(index.tensor.floats())
    let moved = try changed(model, "mean2") { $1 + variances[$0].squareRoot() }
    #expect(abs(try loss(moved) - log(2) / 2) < 1e-3)
    let wider = try changed(model, "var2") { $1 * 4 }
    #expect(abs(try loss(wider) - log(2) * log(2) / 2) < 1e-3)
  }

  @Test("models with batch normalization are fitted to")
  func normalizedModel() throws {
    let model = try GraphText.model(Self.normalized)
    #expect(try generated(model, steps: 2).origin == .fitted)
  }

  @Test("only convolutions count that have a bias and see the pictures")
  func layers() throws {
    let model = try GraphText.model(
      """
      x: float[N, 1, 8, 8]
      a = Conv(x, w[4, 1, 3, 3], b[4])
      c = Conv(a, v[4, 4, 3, 3])
      e = Conv(k[1, 1, 8, 8], u[4, 1, 3, 3], q[4])
      h = Conv(c, t[4, 4, 1], o[4])
      y = Relu(h)
      return y, e
      """)
    let layers = SpreadLoss.layers(of: model, behind: try model.value("x"))
    #expect(
      layers == [
        .init(output: try model.value("a"), rank: 4, type: .float),
        .init(output: try model.value("h"), rank: 3, type: .float),
      ])
  }

  // MARK: Tones and pixels

  @Test("tones are one half of the picture, moved and stretched")
  func tones() {
    #expect(Tone.all.count == 78)
    let tone = Tone(isNegative: false, offset: 0.5, gain: 2)
    #expect(tone(3) == 7 && tone(-3) == 1)
    let negative = Tone(isNegative: true, offset: -0.5, gain: 4)
    #expect(negative(3) == -14 && negative(-3) == -2)
  }

  @Test("of all tones the one with the least loss is found")
  func toneSearch() throws {
    let model = try GraphText.model(Self.convolutions)
    let search = try ToneSearch(try loss(model), options: options)
    let numbers = try #require(randomInput([2, 1, 8, 8]).floats())
    let best = try #require(try search(numbers, shape: [2, 1, 8, 8]))
    func value(_ tone: Tone) throws -> Float {
      try search.value(of: Tensor(floats: numbers.map { tone($0) }, shape: [2, 1, 8, 8]))
    }
    let least = try value(best)
    let isLeast = try Tone.all.allSatisfy { tone in try value(tone) >= least }
    #expect(isLeast)
  }

  @Test("of large pictures fewer are looked at", arguments: [(28, 64), (32, 64), (64, 16), (224, 8), (1 << 20, 8)])
  func pictureCount(side: Int, expected: Int) {
    let layout = PictureLayout(planes: 3, height: side, width: side, pixelCount: 1)
    #expect(layout.pictures(limit: 64) == expected)
    #expect(layout.pictures(limit: 4) == 4)
  }

  @Test("what a rolled picture loses on one side comes in on the other")
  func roll() {
    let first = PictureLayout(planes: 2, height: 2, width: 3, pixelCount: 1)
    #expect(first.places(rolledDown: 0, right: 1) == [1, 2, 0, 4, 5, 3, 7, 8, 6, 10, 11, 9])
    let last = PictureLayout(planes: 1, height: 2, width: 2, pixelCount: 3)
    #expect(last.places(rolledDown: -1, right: 0) == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5])
    #expect(Set(first.places(rolledDown: -2, right: 2)) == Set(0..<12))
  }

  @Test(
    "pictures whose loss does not stay finite are not given back, and be it after the last step", arguments: [1, 3])
  func lostGradient(steps: Int) throws {
    // A step takes some of the small numbers below zero, where there is no root.
    let model = try GraphText.model(
      """
      x: float[N, 1, 8, 8]
      q = Sqrt(x)
      a = Conv(q, w[4, 1, 3, 3], b[4])
      y = Conv(a, v[3, 4, 3, 3], d[3])
      return y
      """)
    let numbers = try #require(randomInput([2, 1, 8, 8]).floats())
    let pictures = numbers.enumerated().map { $0.offset % 2 == 0 ? 0.001 : 1 + abs($0.element) }
    let gradients = try SpreadGradients(try loss(model), pictures: 2, shape: [1, 8, 8], options: options)
    #expect(try gradients(pictures).loss.isFinite)
    let layout = PictureLayout(planes: 1, height: 8, width: 8, pixelCount: 1)
    let fit = PixelFit(gradients: gradients, layout: layout, steps: steps, seed: 1, workers: .one)
    #expect(try fit(pictures) == nil)
  }

  // MARK: The samples

  @Test("fitting makes the loss smaller than the best tone does")
  func lowersLoss() throws {
    let model = try GraphText.model(Self.convolutions)
    let search = try ToneSearch(try loss(model), options: options)
    let noise = try numbers(try .noise(for: model, count: 6, seed: 1), 0..<6)
    let tone = try #require(try search(noise, shape: [6, 1, 8, 8]))
    let start = try search.value(of: Tensor(floats: noise.map { tone($0) }, shape: [6, 1, 8, 8]))
    let fitted = try numbers(try generated(model, steps: 40), 0..<6)
    #expect(try search.value(of: Tensor(floats: fitted, shape: [6, 1, 8, 8])) < start)
  }

  @Test("they are trusted as data are")
  func origin() throws {
    let data = try generated(try GraphText.model(Self.convolutions), steps: 2)
    #expect(data.origin == .fitted && data.source == "fitted noise" && data.count == 6 && !data.hasLabels)
    #expect(data.remark == nil && data.usualDamping == 0.01 && Repair.Order.usual(for: data.origin) == .sequential)
    #expect(try data.samples(1..<4).inputs["x"]?.shape == [3, 1, 8, 8])
  }

  @Test("the same seed gives the same samples, on any number of threads and in whatever order they are read")
  func deterministic() throws {
    let model = try GraphText.model(Self.convolutions)
    let data = try generated(model, count: 70, steps: 3)
    let whole = try numbers(data, 0..<70)
    #expect(try numbers(try generated(model, count: 70, steps: 3, workers: Workers(count: 3)), 0..<70) == whole)
    #expect(try numbers(data, 5..<7) == Array(whole[(5 * 64)..<(7 * 64)]))
    #expect(try numbers(try generated(model, count: 70, seed: 2, steps: 3), 0..<70) != whole)
  }

  @Test("models fixed to some number of samples, with channels last or in half precision are fitted to as well")
  func forms() throws {
    let fixed = Self.convolutions.replacingPrefix("x: float[N, 1, 8, 8]", with: "x: float[1, 1, 8, 8]")
    #expect(try generated(try GraphText.model(fixed), steps: 2).origin == .fitted)
    let last = Self.convolutions.replacingPrefix(
      "x: float[N, 1, 8, 8]\na = Conv(x",
      with: "x: float[N, 8, 8, 1]\nt = Transpose(x) { perm: [0, 3, 1, 2] }\na = Conv(t")
    #expect(try generated(try GraphText.model(last), steps: 2).origin == .fitted)
    var half = try GraphText.model(Self.convolutions)
    half.changePrecision(to: .float16)
    half.graph.inputs[0].type?.tensor?.elementType = DataType.float16.rawValue
    let data = try generated(half, steps: 2)
    #expect(data.origin == .fitted, "\(data.remark ?? "")")
  }

  @Test("models whose initializers are among their inputs are fitted to as others are")
  func initializersAmongInputs() throws {
    for text in [Self.convolutions, Self.normalized] {
      let model = try GraphText.model(text)
      var old = model
      old.irVersion = 3
      let type = ValueType(tensor: TensorType(elementType: DataType.float.rawValue, shape: nil))
      old.graph.inputs += model.graph.initializers.map { ValueInfo(value: $0.value, type: type) }
      #expect(try loss(old).model.graph.inputs.map(\.value) == [model.value("x")])
      let data = try generated(old, steps: 2)
      #expect(data.origin == .fitted, "\(data.remark ?? "")")
      #expect(try numbers(data, 0..<6) == numbers(try generated(model, steps: 2), 0..<6))
    }
  }

  // MARK: Memory

  @Test("a step looks at as many pictures as four gigabytes hold, at least at eight")
  func pictureCount() {
    let megabyte = 1 << 20
    func count(_ asked: Int, _ bytes: Int) -> Int { SpreadGradients.pictureCount(asked, byteCount: bytes) }
    #expect([0, 64 * megabyte, 65 * megabyte, 200 * megabyte, Int.max].map { count(64, $0) } == [64, 64, 32, 16, 8])
    #expect(count(20, 300 * megabyte) == 10 && count(5, Int.max) == 5)
  }

  @Test("more pictures than can be held are a remark, and noise stays as it is")
  func tooMany() throws {
    let data = try generated(try GraphText.model(Self.convolutions), count: 1 << 30)
    #expect(data.origin == .generated)
    #expect(try #require(data.remark).contains("1073741824 pictures of 64 numbers are too many"))
  }

  @Test("inputs of which no sample can be held are refused in one line", arguments: [4_294_967_296, Int.max])
  func tooLarge(side: Int) throws {
    let model = try GraphText.model(
      Self.convolutions.replacingPrefix("x: float[N, 1, 8, 8]", with: "x: float[N, 1, \(side), \(side)]"))
    do {
      _ = try generated(model)
      Issue.record("no error")
    } catch {
      #expect("\(error)".contains("take more memory than this machine has") && !"\(error)".contains("\n"))
    }
  }

  // MARK: Plain noise

  static let others = [
    // Convolutions without a bias, and only one with.
    "x: float[N, 1, 8, 8]\na = Conv(x, w[4, 1, 3, 3], b[4])\ny = Conv(a, v[3, 4, 3, 3])\nreturn y",
    "x: float[N, 3, 8, 8]\ny = GlobalAveragePool(x)\nreturn y",
    """
    x: float[N, 1, 8, 8]
    z: float[N, 1, 8, 8]
    s = Add(x, z)
    a = Conv(s, w[4, 1, 3, 3], b[4])
    y = Conv(a, v[3, 4, 3, 3], d[3])
    return y
    """,
    // No picture.
    "x: float[N, 2, 8, 8]\na = Conv(x, w[4, 2, 3, 3], b[4])\ny = Conv(a, v[3, 4, 3, 3], d[3])\nreturn y",
  ]

  @Test("other models are given plain noise, of which nothing is said", arguments: others)
  func plain(text: String) throws {
    let model = try GraphText.model(text)
    let data = try generated(model)
    #expect(data.origin == .generated && data.source == "noise" && data.remark == nil)
    #expect(try numbers(data, 0..<6) == numbers(try .noise(for: model, count: 6, seed: 1), 0..<6))
  }

  @Test("without steps noise stays as it is")
  func noSteps() throws {
    let model = try GraphText.model(Self.convolutions)
    let data = try generated(model, steps: 0)
    #expect(data.origin == .generated && data.remark == nil)
    #expect(try numbers(data, 0..<6) == numbers(try .noise(for: model, count: 6, seed: 1), 0..<6))
  }

  @Test("what has no gradient is a remark, and noise stays as it is")
  func noGradient() throws {
    let model = try GraphText.model(
      """
      x: float[N, 1, 8, 8]
      a = Conv(x, w[4, 1, 3, 3], b[4])
      h = Hardmax(a) { axis: 1 }
      y = Conv(h, v[3, 4, 3, 3], d[3])
      return y
      """)
    let data = try generated(model)
    #expect(data.origin == .generated && data.source == "noise")
    let remark = try #require(data.first(2).remark)
    #expect(remark.contains("Hardmax has no gradient") && !remark.contains("\n"))
  }

  @Test("numbers of steps out of range are refused in one line", arguments: [-1, 10_001])
  func range(steps: Int) throws {
    let model = try GraphText.model(Self.convolutions)
    do {
      _ = try generated(model, steps: steps)
      Issue.record("no error")
    } catch {
      #expect("\(error)" == "\(steps) steps of fitting samples; give a number from 0 to 10000")
    }
  }

  private struct Stop: Error {}

  @Test("every step is told of, and may be the last")
  func progress() throws {
    let model = try GraphText.model(Self.convolutions)
    var told: [Int] = []
    _ = try CalibrationData.generated(for: model, count: 2, seed: 1, fitSteps: 3) { work, done, all in
      if work == "fitting samples", all == 3 { told.append(done) }
    }
    #expect(told == [1, 2, 3])
    #expect(throws: Stop.self) {
      try CalibrationData.generated(for: model, count: 2, seed: 1, fitSteps: 3) { work, _, _ in
        if work == "fitting samples" { throw Stop() }
      }
    }
  }
}

extension String {
  /// The same text with another beginning.
  fileprivate func replacingPrefix(_ prefix: String, with other: String) -> String {
    hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
  }
}

/// The loss of two convolutions with a ReLU between them, of pictures of 8 by 8, as in a textbook.
private struct HandLoss {
  private let first: (weight: [Double], bias: [Double])
  private let second: (weight: [Double], bias: [Double])
  private static let side = 8

  init(_ model: Model) throws {
    first = (try model.numbers("w"), try model.numbers("b"))
    second = (try model.numbers("v"), try model.numbers("d"))
  }

  func value(_ pictures: [Double]) -> Double {
    let count = pictures.count / (Self.side * Self.side)
    let made = Self.convolution(pictures, first, samples: count)
    let next = Self.convolution(made.map { max(0, $0) }, second, samples: count)
    return (Self.term(made, first.bias.count, count) + Self.term(next, second.bias.count, count)) / 2
  }

  /// With kernels of 3 by 3 and a border of zeros.
  private static func convolution(
    _ x: [Double], _ layer: (weight: [Double], bias: [Double]), samples: Int
  ) -> [Double] {
    let area = side * side
    let (filters, channels) = (layer.bias.count, x.count / samples / area)
    var y: [Double] = []
    for sample in 0..<samples {
      for filter in 0..<filters {
        for place in 0..<area {
          var sum = layer.bias[filter]
          for channel in 0..<channels {
            for tap in 0..<9 {
              let (row, column) = (place / side + tap / 3 - 1, place % side + tap % 3 - 1)
              guard (0..<side).contains(row), (0..<side).contains(column) else { continue }
              let weight = layer.weight[(filter * channels + channel) * 9 + tap]
              sum += weight * x[(sample * channels + channel) * area + row * side + column]
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }

  private static func term(_ y: [Double], _ channels: Int, _ samples: Int) -> Double {
    let area = side * side
    var (shift, logarithms): (Double, [Double]) = (0, [])
    for channel in 0..<channels {
      let own = y.indices.filter { $0 / area % channels == channel }.map { y[$0] }
      let mean = own.reduce(0, +) / Double(own.count)
      let square = own.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(own.count) + 1e-8
      shift += logarithm(1 + mean * mean / square) / Double(channels)
      logarithms.append(logarithm(square) / 2)
    }
    let mean = logarithms.reduce(0, +) / Double(channels)
    return shift + 0.3 * logarithms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
  }

  private static func logarithm(_ number: Double) -> Double { log(number) }
}
