import Analysis
import Glibc
import IR
import Kernels
import Pruning
import Runtime
import Synchronization
import TestSupport
import Testing
import Training

@testable import Calibration

/// Numbers measured of each element of a weight, against formulas worked out for models small enough to have them.
@Suite("Measured elements")
struct ElementMeasurementTests {
  private typealias Matrix = [[Double]]

  // Columns of x are orthogonal, so that the Hessian of a linear model is diagonal and its estimate exact.
  private static let x: Matrix = [[1, 1], [1, -1], [2, 0]]
  private static let targets: Matrix = [[1, 0], [0, 1], [-1, 2]]
  private static let classes: [Int64] = [1, 0, 1]
  private static let weight: Matrix = [[0.5, -1], [2, 0.25]]
  private static let linear = "x: float[N, 2]\ny = MatMul(x, w[2, 2])\nreturn y"

  // MARK: Small matrices

  private func product(_ a: Matrix, _ b: Matrix) -> Matrix {
    a.map { row in b[0].indices.map { column in zip(row, b).reduce(0.0) { $0 + $1.0 * $1.1[column] } } }
  }

  private func transposed(_ a: Matrix) -> Matrix { a[0].indices.map { column in a.map { $0[column] } } }

  private func difference(_ a: Matrix, _ b: Matrix) -> Matrix {
    zip(a, b).map { zip($0, $1).map { $0 - $1 } }
  }

  private func scaled(_ a: Matrix, _ factor: Double) -> Matrix { a.map { $0.map { $0 * factor } } }

  private func softmax(_ a: Matrix) -> Matrix {
    a.map { row in
      let exponentials = row.map { exp($0) }
      return exponentials.map { $0 / exponentials.reduce(0, +) }
    }
  }

  private func isClose(_ found: Tensor?, _ expected: Matrix, _ tolerance: Double = 1e-5) -> Bool {
    guard let numbers = found?.doubles() else { return false }
    let flat = expected.flatMap { $0 }
    let scale = flat.reduce(0.0) { max($0, abs($1)) }
    return numbers.count == flat.count && zip(numbers, flat).allSatisfy { abs($0 - $1) <= tolerance * scale }
  }

  // MARK: Measuring

  private func tensor(_ matrix: Matrix) -> Tensor {
    Tensor(floats: matrix.flatMap { $0.map { Float($0) } }, shape: [matrix.count, matrix.first?.count ?? 0])
  }

  /// Samples of `x` with targets, or with classes.
  private func data(classes: Bool = false, told: @escaping @Sendable () -> Void = {}) -> CalibrationData {
    let (x, targets) = (tensor(Self.x), tensor(Self.targets))
    return CalibrationData(count: Self.x.count, origin: .natural, source: "d.npz", hasLabels: true) {
      range throws(TrainingError) in
      told()
      func rows(_ tensor: Tensor) -> Tensor {
        let numbers = (tensor.floats() ?? [])[(range.lowerBound * 2)..<(range.upperBound * 2)]
        return Tensor(floats: Array(numbers), shape: [range.count, 2])
      }
      let labels = classes ? Tensor(int64s: Array(Self.classes[range])) : rows(targets)
      return CalibrationData.Samples(inputs: ["x": rows(x)], labels: labels)
    }
  }

  private func model(_ text: String, _ numbers: [String: Matrix] = [:]) throws -> Model {
    var model = try GraphText.model(text)
    for index in model.graph.initializers.indices {
      guard let matrix = numbers[model.name(of: model.graph.initializers[index].value)] else { continue }
      let shape = model.graph.initializers[index].tensor.shape
      model.graph.initializers[index].tensor.storage =
        Tensor(floats: matrix.flatMap { $0.map { Float($0) } }, shape: shape).storage
    }
    return model
  }

  /// What a criterion's measurement finds of each weight, in the order of the analysis.
  private func measured(
    _ criterion: any Criterion, _ model: Model, _ data: CalibrationData?, _ loss: Loss = .meanSquaredError,
    precision: Precision = .single, batch: Int = 2
  ) throws -> [(name: String, elements: Tensor?)] {
    let analysis = try ModelAnalysis(model)
    var options = Measuring.Options()
    // Three samples: the last batch is smaller.
    options.batch = batch
    options.runtime = RuntimeOptions(precision: precision, workers: .one)
    let evidence = try Measuring(model, analysis, data: data, loss: loss, options: options).evidence(for: criterion)
    let measurement = try #require(criterion.measurements.first)
    let elements = try #require(evidence.elements[measurement])
    #expect(elements.count == analysis.weights.count)
    return zip(analysis.weights, elements).map { ($0.name, $1) }
  }

  private func elements(_ name: String, _ found: [(name: String, elements: Tensor?)]) -> Tensor? {
    found.first { $0.name == name }?.elements
  }

  private func linearModel() throws -> Model { try model(Self.linear, ["w": Self.weight]) }

  /// Of the loss Σ (xw − t)² / 2N of the linear model: xᵀ(xw − t) / N.
  private var linearGradient: Matrix {
    let errors = difference(product(Self.x, Self.weight), Self.targets)
    return scaled(product(transposed(Self.x), errors), 1 / 3.0)
  }

  // MARK: First order

  @Test("gradients are the mean over samples, also where the last batch is smaller", arguments: [1, 2, 3, 8])
  func gradients(batch: Int) throws {
    for precision in [Precision.single, .double] {
      let found = try measured(SNIP(), linearModel(), data(), precision: precision, batch: batch)
      #expect(isClose(found.first?.elements, linearGradient))
    }
  }

  @Test("squared gradients are those of single samples: the mean of xᵢ²·rⱼ²")
  func squaredGradients() throws {
    let errors = difference(product(Self.x, Self.weight), Self.targets)
    func squares(_ a: Matrix) -> Matrix { a.map { $0.map { $0 * $0 } } }
    let expected = scaled(product(transposed(squares(Self.x)), squares(errors)), 1 / 3.0)
    for precision in [Precision.single, .double] {
      let found = try measured(FisherInformation(), linearModel(), data(), precision: precision)
      #expect(isClose(found.first?.elements, expected))
    }
  }

  @Test("batch normalization keeps its running statistics, which have no gradient of their own")
  func normalization() throws {
    let text = """
      x: float[N, 2]
      n = BatchNormalization(x, g[2], b[2], m[2], v[2]+)
      y = MatMul(n, w[2, 2])
      return y
      """
    let scale: Matrix = [[2, -0.5], [0.25, 1], [0.5, -1], [4, 0.25]]
    let model = try model(
      text, ["g": [scale[0]], "b": [scale[1]], "m": [scale[2]], "v": [scale[3]], "w": Self.weight])
    let normalized = Self.x.map { row in
      row.indices.map { (row[$0] - scale[2][$0]) / (scale[3][$0] + 1e-5).squareRoot() }
    }
    let inputs = normalized.map { row in row.indices.map { row[$0] * scale[0][$0] + scale[1][$0] } }
    let errors = scaled(difference(product(inputs, Self.weight), Self.targets), 1 / 3.0)
    let slopes = product(errors, transposed(Self.weight))
    let found = try measured(SNIP(), model, data())
    let scaleGradient = (0..<2).map { column in zip(slopes, normalized).reduce(0.0) { $0 + $1.0[column] * $1.1[column] }
    }
    let shiftGradient = (0..<2).map { column in slopes.reduce(0.0) { $0 + $1[column] } }
    #expect(isClose(elements("w", found), product(transposed(inputs), errors)))
    #expect(isClose(elements("g", found), [scaleGradient]))
    #expect(isClose(elements("b", found), [shiftGradient]))
    #expect(elements("m", found) == nil && elements("v", found) == nil)
  }

  @Test("dropout keeps everything")
  func dropout() throws {
    let text = "x: float[N, 2]\nd = Dropout(x, r[]+)\ny = MatMul(d, w[2, 2])\nreturn y"
    let found = try measured(SNIP(), model(text, ["r": [[0.5]], "w": Self.weight]), data())
    #expect(isClose(elements("w", found), linearGradient))
  }

  @Test("of a matrix that two nodes share, the gradient is the sum over both")
  func sharedMatrix() throws {
    let model = try model(
      "x: float[N, 2]\nh = MatMul(x, w[2, 2])\ny = MatMul(h, w)\nreturn y", ["w": Self.weight])
    let hidden = product(Self.x, Self.weight)
    let errors = scaled(difference(product(hidden, Self.weight), Self.targets), 1 / 3.0)
    let last = product(transposed(hidden), errors)
    let first = product(product(transposed(Self.x), errors), transposed(Self.weight))
    let expected = zip(last, first).map { zip($0, $1).map { $0 + $1 } }
    let found = try measured(SNIP(), model, data())
    #expect(found.map(\.name) == ["w"])
    #expect(isClose(found.first?.elements, expected))
  }

  @Test("each use of a vector that several nodes share has a gradient of its own", arguments: ["[3]", "[1, 3]"])
  func sharedVector(shape: String) throws {
    func text(_ second: String) -> String {
      """
      x: float[N, 2]
      h = MatMul(x, a[2, 3])
      i = Add(h, v\(shape))
      j = Sigmoid(i)
      k = Add(j, \(second))
      y = MatMul(k, c[3, 2])
      return y
      """
    }
    let numbers: [String: Matrix] = ["v": [[0.5, -1, 2]], "u": [[0.5, -1, 2]]]
    let shared = try measured(SNIP(), model(text("v"), numbers), data())
    let apart = try measured(SNIP(), model(text("u\(shape)"), numbers), data())
    #expect(shared.filter { $0.name == "v" }.count == 2)
    let own = shared.filter { $0.name == "v" }.map { $0.elements?.floats() }
    let expected = ["v", "u"].map { name in elements(name, apart)?.floats() }
    #expect(own == expected)
    #expect(own[0] != nil && own[0] != own[1])
  }

  @Test("a weight in a Constant node has the gradient it has as an initializer")
  func constantNode() throws {
    func text(_ mark: String) -> String {
      "x: float[N, 2]\nh = MatMul(x, \(mark)a[2, 3])\ny = MatMul(h, b[3, 2])\nreturn y"
    }
    let found = try measured(SNIP(), model(text("!")), data())
    let expected = try measured(SNIP(), model(text("")), data())
    let numbers = [found, expected].map { list in elements("a", list)?.floats() }
    #expect(numbers[0] != nil && numbers[0] == numbers[1])
  }

  // MARK: Second order

  @Test("H·g of a linear model is xᵀx·g / N, and its temperature is for logits alone")
  func gradientFlow() throws {
    let expected = scaled(product(product(transposed(Self.x), Self.x), linearGradient), 1 / 3.0)
    for criterion in [GraSP(), CroP()] as [any Criterion] {
      #expect(isClose(try measured(criterion, linearModel(), data()).first?.elements, expected, 1e-4))
    }
  }

  @Test("H·g of logits divided by a temperature", arguments: [true, false])
  func temperature(isDivided: Bool) throws {
    let temperature = isDivided ? 200.0 : 1
    let probabilities = softmax(scaled(product(Self.x, Self.weight), 1 / temperature))
    let labels = Self.classes.map { $0 == 0 ? [1.0, 0] : [0, 1] }
    let errors = difference(probabilities, labels)
    let gradient = scaled(product(transposed(Self.x), errors), 1 / (3 * temperature))
    // Of each sample, (diag p − p·pᵀ)·u for what the logits move by.
    let moves = product(Self.x, gradient)
    let slopes = zip(probabilities, moves).map { p, u -> [Double] in
      let mean = zip(p, u).reduce(0.0) { $0 + $1.0 * $1.1 }
      return zip(p, u).map { $0 * ($1 - mean) }
    }
    let expected = scaled(product(transposed(Self.x), slopes), 1 / (3 * temperature * temperature))
    let criterion: any Criterion = isDivided ? GraSP() : CroP()
    let found = try measured(criterion, linearModel(), data(classes: true), .crossEntropy)
    // At a temperature of 200 little but rounding is left of so small a curvature.
    #expect(isClose(found.first?.elements, expected, 1e-3))
  }

  @Test("the diagonal of the Hessian of a linear model is the mean of xᵢ², exact where it has no other entries")
  func hessianDiagonal() throws {
    let found = try measured(HessianDiagonal(), linearModel(), data())
    #expect(isClose(found.first?.elements, [[2, 2], [2.0 / 3, 2.0 / 3]], 1e-4))
  }

  @Test("measuring by moving weights leaves them as they were")
  func restored() throws {
    let prepared = try linearModel()
    let gradients = try LossGradients(
      prepared, data(), .meanSquaredError, batch: 2, options: RuntimeOptions(precision: .double, workers: .one))
    let before = gradients.parameters.trained.map { gradients.parameters.elements(of: $0) }
    _ = try Curvature(gradients).diagonal(probes: 2, seed: 1) { _ in }
    #expect(gradients.parameters.trained.map { gradients.parameters.elements(of: $0) } == before)
  }

  // MARK: Synaptic flow

  @Test("synaptic flow of two layers is what flows in times what flows out, of magnitudes, without data")
  func synapticFlow() throws {
    let (a, b): (Matrix, Matrix) = ([[1, -2, 0.5], [-3, 1, 4]], [[1, -1], [2, 0.5], [-1, 3]])
    let model = try model(
      "x: float[N, 2]\nh = MatMul(x, a[2, 3])\nr = Relu(h)\ny = MatMul(r, b[3, 2])\nreturn y", ["a": a, "b": b])
    let found = try measured(SynapticFlow(), model, nil)
    #expect(isClose(elements("a", found), [[2, 2.5, 4], [2, 2.5, 4]]))
    #expect(isClose(elements("b", found), [[4, 4], [3, 3], [4.5, 4.5]]))
  }

  @Test("synaptic flow takes running means for zero and running variances as they are")
  func flowThroughNormalization() throws {
    let text = """
      x: float[N, 2]
      h = MatMul(x, a[2, 2])
      n = BatchNormalization(h, g[2], b[2], m[2], v[2]+)
      y = MatMul(n, c[2, 1])
      return y
      """
    let model = try model(
      text,
      ["a": Self.weight, "g": [[-2, 1]], "b": [[-1, 3]], "m": [[7, -7]], "v": [[4, 0.25]], "c": [[-3], [0.5]]])
    let flow = [2.5, 1.25]
    let deviations = [4.0, 0.25].map { ($0 + 1e-5).squareRoot() }
    let found = try measured(SynapticFlow(), model, nil)
    #expect(isClose(elements("g", found), [[3 * flow[0] / deviations[0], 0.5 * flow[1] / deviations[1]]]))
    #expect(isClose(elements("b", found), [[3, 0.5]]))
    #expect(isClose(elements("c", found), [[2 * flow[0] / deviations[0] + 1], [flow[1] / deviations[1] + 3]]))
    #expect(elements("m", found) == nil && elements("v", found) == nil)
  }

  @Test("synaptic flow needs the sizes a model leaves open, but for that of samples")
  func flowShapes() throws {
    let text = "x: float[N, 2, T]\nh = Conv(x, a[3, 2, 1])\ny = Conv(h, b[2, 3, 1])\nreturn y"
    #expect(throws: TrainingError.self) { try measured(SynapticFlow(), model(text), nil) }
    let open = try GraphText.model(text)
    let analysis = try ModelAnalysis(open).assuming(InputShapes(parsing: ["x=1x2x5"]), in: open)
    let evidence = try Measuring(open, analysis, data: nil).evidence(for: SynapticFlow())
    #expect(evidence.elements[.synapticFlow]?.count == analysis.weights.count)
  }

  // MARK: Refusals

  @Test("an operator without a gradient is named when the first batch is run")
  func noGradient() throws {
    let model = try model(
      "x: float[N, 2]\nh = MatMul(x, a[2, 3])\nr = Hardmax(h)\ny = MatMul(r, b[3, 2])\nreturn y")
    let reads = Mutex(0)
    let data = data { reads.withLock { $0 += 1 } }
    let error = #expect(throws: TrainingError.self) { try measured(SNIP(), model, data, batch: 1) }
    #expect(error?.description.contains("Hardmax has no gradient; choose a criterion that needs no gradients") == true)
    #expect(reads.withLock { $0 } == 1)
  }

  @Test("a loss that does not fit the output and its labels is refused")
  func lossOfOtherShape() throws {
    let model = try linearModel()
    #expect(throws: TrainingError.self) {
      try measured(SNIP(), model, data(classes: true), .meanSquaredError)
    }
    #expect(throws: TrainingError.self) { try measured(SNIP(), model, data(), .crossEntropy) }
    let chosen = try self.model(
      "x: float[N, 2]\nh = MatMul(x, w[2, 2])\ny = ArgMax(h) { axis: 1 keepdims: 0 }\nreturn y", ["w": Self.weight])
    for loss in [Loss.crossEntropy, .meanSquaredError] {
      let error = #expect(throws: TrainingError.self) { try measured(SNIP(), chosen, data(classes: true), loss) }
      #expect(error?.description == "output y holds int64, of which there is no loss; choose another output")
    }
    let flat = try self.model(
      "x: float[N, 2]\nh = MatMul(x, w[2, 1])\ny = Flatten(h) { axis: 0 }\nz = Squeeze(y)\nreturn z", ["w": [[1], [2]]])
    let error = #expect(throws: TrainingError.self) { try measured(SNIP(), flat, data(classes: true), .crossEntropy) }
    #expect(error?.description.contains("no axis of classes") == true)
  }

  @Test("gradients of single samples are refused of a model that takes several at once")
  func fixedSamples() throws {
    let model = try model("x: float[3, 2]\ny = MatMul(x, w[2, 2])\nreturn y", ["w": Self.weight])
    let error = #expect(throws: TrainingError.self) { try measured(FisherInformation(), model, data()) }
    #expect(error?.description.contains("exactly 3 samples") == true)
    #expect(isClose(try measured(SNIP(), model, data()).first?.elements, linearGradient))
  }
}
