import Analysis
import DataSources
import Dimensions
import IR
import Kernels
import Pruning
import Runtime
import Testing
import Training

@testable import Calibration

// MARK: Numbers

/// Numbers that follow from a seed.
struct Numbers {
  private var random: CounterRandom

  init(seed: UInt64) { random = CounterRandom(seed: seed, 0) }

  /// From −1 to 1, each as likely.
  mutating func floats(_ count: Int) -> [Float] {
    var numbers: [Float] = []
    for _ in 0..<count { numbers.append(Float(Int64(bitPattern: random.next()) >> 40) / Float(1 << 23)) }
    return numbers
  }

  mutating func doubles(_ count: Int) -> [Double] { floats(count).map { Double($0) } }

  /// Whole numbers, so small that sums of their products are exact in single precision.
  mutating func integers(_ count: Int, in range: ClosedRange<Int>) -> [Double] {
    var numbers: [Double] = []
    for _ in 0..<count { numbers.append(Double(range.lowerBound + random.number(below: range.count))) }
    return numbers
  }

  mutating func tensor(_ shape: [Int], offset: Float = 0) -> Tensor {
    Tensor(floats: floats(shape.reduce(1, *)).map { $0 + offset }, shape: shape)
  }
}

/// The largest difference of two lists, as a share of the second's largest number.
func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
  guard found.count == expected.count, found.allSatisfy(\.isFinite) else { return .infinity }
  let scale = expected.reduce(0.0) { max($0, abs($1)) }
  let difference = zip(found, expected).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
  return difference == 0 ? 0 : difference / max(scale, 1e-300)
}

func meanSquaredDifference(_ found: [Double], _ expected: [Double]) -> Double {
  zip(found, expected).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(max(1, expected.count))
}

// MARK: Matrices

/// A matrix with the operations of a textbook, to hold the product's against.
struct DenseMatrix {
  let rows: Int
  let columns: Int
  /// Row-major.
  var elements: [Double]

  init(_ rows: Int, _ columns: Int, _ elements: [Double]? = nil) {
    self.rows = rows
    self.columns = columns
    self.elements = elements ?? [Double](repeating: 0, count: rows * columns)
  }

  init(_ matrix: SymmetricMatrix) {
    self.init(matrix.size, matrix.size)
    for row in 0..<rows { for column in 0..<columns { self[row, column] = matrix[row, column] } }
  }

  static func identity(_ size: Int, times factor: Double = 1) -> DenseMatrix {
    var matrix = DenseMatrix(size, size)
    for index in 0..<size { matrix[index, index] = factor }
    return matrix
  }

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  var floats: [Float] { elements.map { Float($0) } }

  var symmetric: SymmetricMatrix { SymmetricMatrix(size: rows, elements: elements) }

  var squaredNorm: Double { elements.reduce(0) { $0 + $1 * $1 } }

  var trace: Double { (0..<min(rows, columns)).reduce(0.0) { $0 + self[$1, $1] } }

  var columnMeans: [Double] {
    (0..<columns).map { column in (0..<rows).reduce(0.0) { $0 + self[$1, column] } / Double(rows) }
  }

  var transposed: DenseMatrix {
    var result = DenseMatrix(columns, rows)
    for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
    return result
  }

  func keeping(rows kept: [Int]) -> DenseMatrix {
    DenseMatrix(kept.count, columns, kept.flatMap { elements[($0 * columns)..<(($0 + 1) * columns)] })
  }

  func keeping(columns kept: [Int]) -> DenseMatrix { transposed.keeping(rows: kept).transposed }

  /// Adds the same row to every row.
  func adding(row: [Double]) -> DenseMatrix {
    DenseMatrix(rows, columns, elements.indices.map { elements[$0] + row[$0 % columns] })
  }

  /// The rows with their mean taken away.
  var centred: DenseMatrix { adding(row: columnMeans.map { -$0 }) }

  static func * (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
    var result = DenseMatrix(a.rows, b.columns)
    for row in 0..<a.rows {
      for inner in 0..<a.columns {
        let factor = a[row, inner]
        for column in 0..<b.columns { result[row, column] += factor * b[inner, column] }
      }
    }
    return result
  }

  func scaled(by factor: Double) -> DenseMatrix { DenseMatrix(rows, columns, elements.map { factor * $0 }) }

  static func + (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
    DenseMatrix(a.rows, a.columns, zip(a.elements, b.elements).map { $0 + $1 })
  }

  static func - (a: DenseMatrix, b: DenseMatrix) -> DenseMatrix {
    DenseMatrix(a.rows, a.columns, zip(a.elements, b.elements).map { $0 - $1 })
  }

  /// B·A⁻¹ by Gaussian elimination with pivots chosen by row: Aᵀ·Xᵀ = Bᵀ.
  func dividing(by matrix: DenseMatrix) -> DenseMatrix {
    var (left, right) = (matrix.transposed, transposed)
    for pivot in 0..<left.rows {
      var best = pivot
      for row in pivot..<left.rows where abs(left[row, pivot]) > abs(left[best, pivot]) { best = row }
      left.swapRows(pivot, best)
      right.swapRows(pivot, best)
      for row in 0..<left.rows where row != pivot {
        let factor = left[row, pivot] / left[pivot, pivot]
        for column in pivot..<left.columns { left[row, column] -= factor * left[pivot, column] }
        for column in 0..<right.columns { right[row, column] -= factor * right[pivot, column] }
      }
    }
    for row in 0..<right.rows { for column in 0..<right.columns { right[row, column] /= left[row, row] } }
    return right.transposed
  }

  private mutating func swapRows(_ a: Int, _ b: Int) {
    guard a != b else { return }
    for column in 0..<columns { elements.swapAt(a * columns + column, b * columns + column) }
  }

  /// The regression of these targets, a row a sample, on inputs: W and b with the least E‖W·x + b − y‖².
  func regression(on inputs: DenseMatrix, hasIntercept: Bool = true) -> (matrix: DenseMatrix, shift: [Double]) {
    let width = inputs.columns + (hasIntercept ? 1 : 0)
    var design = DenseMatrix(rows, width)
    for row in 0..<rows {
      for column in 0..<width { design[row, column] = column < inputs.columns ? inputs[row, column] : 1 }
    }
    let solution = (transposed * design).dividing(by: design.transposed * design)
    let matrix = solution.keeping(columns: Array(0..<inputs.columns))
    let shift = hasIntercept ? solution.keeping(columns: [inputs.columns]).elements : []
    return (matrix, hasIntercept ? shift : [Double](repeating: 0, count: columns))
  }
}

/// A transposed convolution to three channels by kernels of 3×3, with strides of two and pads of one, by definition.
enum TransposedConvolution {
  /// What it makes of a channel mixing of `channels` in pictures of 3×3.
  static func text(channels: Int) -> String {
    """
    x: float[N, \(channels), 3, 3]
    h = Conv(x, a[\(channels), \(channels), 1, 1])
    y = ConvTranspose(h, b[\(channels), 3, 3, 3]) { strides: [2, 2] pads: [1, 1, 1, 1] }
    return y
    """
  }

  /// A row a position of the output: for each element of each channel's kernel what reaches the position by it.
  static func rows(_ tensor: Tensor) throws -> DenseMatrix {
    let values = try #require(tensor.doubles())
    let (samples, channels, height, width) = (tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3])
    let (outputHeight, outputWidth) = (2 * height - 1, 2 * width - 1)
    let columns = channels * 9
    var rows = DenseMatrix(samples * outputHeight * outputWidth, columns)
    for plane in 0..<(samples * channels) {
      for source in 0..<(height * width) {
        for element in 0..<9 {
          let (y, x) = (2 * (source / width) + element / 3 - 1, 2 * (source % width) + element % 3 - 1)
          guard (0..<outputHeight).contains(y), (0..<outputWidth).contains(x) else { continue }
          let row = (plane / channels * outputHeight + y) * outputWidth + x
          rows[row, plane % channels * 9 + element] = values[plane * height * width + source]
        }
      }
    }
    return rows
  }

  /// The weight as a matrix of a row an output channel.
  static func matrix(_ weight: [Double]) -> DenseMatrix {
    var matrix = DenseMatrix(3, weight.count / 3)
    for (index, value) in weight.enumerated() { matrix[index / 9 % 3, index / 27 * 9 + index % 9] = value }
    return matrix
  }
}

extension LayerMoments {
  /// The sums of rows at hand.
  init(_ x: [Float], _ y: [Float], groups: Int = 1, columns: Int, rows: Int) throws {
    self.init(groups: groups, columns: columns, rows: rows)
    try add(x, y, workers: .one)
  }

  init(_ x: DenseMatrix, _ y: DenseMatrix) throws {
    try self.init(x.floats, y.floats, columns: x.columns, rows: y.columns)
  }
}

// MARK: Models

extension Model {
  func value(_ name: String) throws -> ValueID {
    let index = valueNames.firstIndex(of: name)
    return ValueID(try #require(index, "no value \(name)"))
  }

  /// The index of the node whose first output has a name.
  func node(making name: String) throws -> Int {
    let index = graph.nodes.firstIndex { $0.output(0).map { self.name(of: $0) } == name }
    return try #require(index, "no node makes \(name)")
  }

  /// The tensor of an initializer.
  func tensor(_ name: String) throws -> Tensor {
    let initializer = graph.initializers.first { self.name(of: $0.value) == name }
    return try #require(initializer, "no initializer \(name)").tensor
  }

  func numbers(_ name: String) throws -> [Double] {
    let numbers = try tensor(name).doubles()
    return try #require(numbers)
  }

  mutating func fill(_ name: String, _ numbers: [Float]) throws {
    let names = valueNames
    let found = graph.initializers.firstIndex { names[$0.value.index] == name }
    let index = try #require(found, "no initializer \(name)")
    let shape = graph.initializers[index].tensor.shape
    graph.initializers[index].tensor = Tensor(name: name, floats: numbers, shape: shape)
  }

  /// Gives every floating-point initializer the same numbers in half or double precision.
  mutating func changePrecision(to type: DataType) {
    for index in graph.initializers.indices {
      let tensor = graph.initializers[index].tensor
      guard tensor.dataType == .float, let numbers = tensor.floats() else { continue }
      let halves = numbers.map { Float16($0) }.withUnsafeBytes { ByteRegion(copying: $0) }
      let doubles = numbers.map { Double($0) }.withUnsafeBytes { ByteRegion(copying: $0) }
      graph.initializers[index].tensor = Tensor(
        name: tensor.name, dataType: type, shape: tensor.shape, storage: .bytes(type == .float16 ? halves : doubles))
    }
  }

  /// Runs the model on its input x; shows its outputs, and other values of these names.
  func run(_ x: Tensor, showing names: [String] = []) throws -> [String: Tensor] {
    var open = self
    for name in names {
      let value = try value(name)
      guard !open.graph.outputs.contains(where: { $0.value == value }) else { continue }
      open.graph.outputs.append(ValueInfo(value: value, type: nil))
    }
    return try Session(open, options: RuntimeOptions(workers: .one)).run(["x": x])
  }

  /// All outputs one after the other.
  func outputs(_ x: Tensor) throws -> [Double] {
    let found = try run(x)
    return found.keys.sorted().flatMap { found[$0]?.doubles() ?? [] }
  }

  /// The bytes of all initializers by name.
  var contents: [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for initializer in graph.initializers {
      contents[name(of: initializer.value)] = initializer.tensor.contiguousBytes()?.withUnsafeBytes { Array($0) }
    }
    return contents
  }
}

extension Tensor {
  /// Some samples of a tensor of them.
  func samples(_ range: Range<Int>) -> Tensor {
    let size = shape.dropFirst().reduce(1, *)
    let numbers = (floats() ?? [])[(range.lowerBound * size)..<(range.upperBound * size)]
    return Tensor(floats: Array(numbers), shape: [range.count] + Array(shape.dropFirst()))
  }
}

extension CalibrationData {
  /// Samples for a model with one input, x.
  init(_ x: Tensor) {
    self.init(count: x.shape[0], origin: .natural, source: "test", hasLabels: false) { range throws(TrainingError) in
      CalibrationData.Samples(inputs: ["x": x.samples(range)])
    }
  }
}

extension ModelAnalysis {
  /// Keeps the first half of every group.
  var halves: KeepSets {
    var keep = KeepSets()
    for group in groups { keep[group.dimension] = Array(0..<Int32(group.size / 2)) }
    return keep
  }
}

/// A model, what is kept of it, and what that leaves.
struct PrunedModel {
  let dense: Model
  let analysis: ModelAnalysis
  let keep: KeepSets
  let model: Model

  /// - Parameter kept: of the first group; without, the first half of each group is kept.
  init(_ dense: Model, kept: [Int32]? = nil) throws {
    let analysis = try ModelAnalysis(dense)
    var keep = analysis.halves
    if let kept {
      let group = try #require(analysis.groups.first)
      keep = KeepSets()
      keep[group.dimension] = kept
    }
    model = try dense.keeping(keep, analysis: analysis)
    self.dense = dense
    self.analysis = analysis
    self.keep = keep
  }

  func repaired(
    on x: Tensor, _ order: Repair.Order = .sequential, damping: Double = 1e-8
  ) throws -> (model: Model, report: Repair.Report) {
    var options = Repair.Options()
    options.order = order
    options.damping = damping
    options.runtime = RuntimeOptions(workers: .one)
    return try Repair(of: dense, analysis, keep: keep, options: options)(model, on: CalibrationData(x))
  }

  func biasCorrected(on x: Tensor) throws -> (model: Model, report: BiasCorrection.Report) {
    try BiasCorrection(of: dense, analysis, keep: keep)(model, on: CalibrationData(x))
  }
}

/// A weight whose channels, in the second half of each block, are those of the first half times a number.
struct Redundancy: Sendable {
  let weight: String
  let axis: Int
  var blocks = 1
  /// Kernels that each channel has for itself are only copied.
  var scales = true
}

extension Model {
  /// The model with the channels of weights repeated.
  func repeating(_ redundancies: [Redundancy]) throws -> Model {
    var model = self
    for redundancy in redundancies {
      let tensor = try model.tensor(redundancy.weight)
      var values = try #require(tensor.floats())
      let size = tensor.shape[redundancy.axis]
      let inner = tensor.shape[(redundancy.axis + 1)...].reduce(1, *)
      let block = size / redundancy.blocks
      for index in values.indices {
        let place = index / inner % size % block - block / 2
        guard place >= 0 else { continue }
        // Positive, so that it commutes with Relu.
        let factor = redundancy.scales ? 0.5 + 0.25 * Float(place) : 1
        values[index] = factor * values[index - block / 2 * inner]
      }
      try model.fill(redundancy.weight, values)
    }
    return model
  }
}

/// Samples whose numbers are more often positive than not, so that means are not zero.
func randomInput(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
  var numbers = Numbers(seed: seed)
  return numbers.tensor(shape, offset: 0.25)
}
