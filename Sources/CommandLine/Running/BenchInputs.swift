import Coppice
import DataSources
import IR
import Training

/// The shapes a model is measured with, and random data of them.
struct BenchInputs {
  struct Input {
    let name: String
    let value: ValueID
    let type: DataType
    let shape: [Int]
  }

  let inputs: [Input]
  /// Open sizes nobody gave a number for, such as `ids[1] = 128`.
  private(set) var assumed: [String] = []

  /// - Parameters:
  ///   - batch: what open first axes are; 1 where they are open and nothing is given.
  ///   - texts: shapes such as `input=1x3x224x224`.
  init(_ model: Model, batch: Int?, shapes texts: [String]) throws {
    let given = Self.parse(texts)
    let initialized = Set(model.graph.initializers.map(\.value))
    var symbols: [String: Int] = [:]
    var inputs: [Input] = []
    for info in model.graph.inputs where !initialized.contains(info.value) {
      let name = model.name(of: info.value)
      guard let tensor = info.type?.tensor, let type = tensor.elementType.flatMap(DataType.init(rawValue:)) else {
        throw Failure.invalidModel("input \(name) is no tensor of a known type")
      }
      if let shape = given[name] {
        for (size, number) in zip(tensor.shape ?? [], shape) {
          if case .symbol(let symbol) = size.extent { symbols[symbol] = number }
        }
        inputs.append(Input(name: name, value: info.value, type: type, shape: shape))
        continue
      }
      guard let declared = tensor.shape else {
        throw Failure.usage("input \(name) declares no shape; give --input-shape \(name)=…")
      }
      var shape: [Int] = []
      for (axis, size) in declared.enumerated() {
        shape.append(size(in: &symbols, axis: axis, rank: declared.count, batch: batch, &assumed, name))
      }
      inputs.append(Input(name: name, value: info.value, type: type, shape: shape))
    }
    self.inputs = inputs
    if let batch, !inputs.isEmpty, !inputs.contains(where: { $0.shape.first == batch }) {
      throw Failure.usage("the model's inputs have a fixed first axis, which is not \(batch); leave --batch out")
    }
  }

  private static func parse(_ texts: [String]) -> [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    for text in texts {
      guard let equals = text.lastIndex(of: "=") else { continue }
      shapes[String(text[..<equals])] = text[text.index(after: equals)...].split(separator: "x").compactMap { Int($0) }
    }
    return shapes
  }

  /// Samples of one run.
  var batch: Int { inputs.first?.shape.first ?? 1 }

  var shapes: [String: [Int]] { Dictionary(uniqueKeysWithValues: inputs.map { ($0.name, $0.shape) }) }

  var types: [String: (type: DataType, shape: [Int])] {
    Dictionary(uniqueKeysWithValues: inputs.map { ($0.name, ($0.type, $0.shape)) })
  }

  /// The model with these sizes declared.
  func concrete(_ model: Model) -> Model {
    var model = model
    for input in inputs {
      guard let index = model.graph.inputs.firstIndex(where: { $0.value == input.value }) else { continue }
      model.graph.inputs[index].type?.tensor?.shape = input.shape.map { DeclaredSize(.known(Int64($0))) }
    }
    return model
  }

  /// Normally distributed numbers; numbers of rows for what looks rows up; ones for other integers, as masks are.
  func random(for model: Model, seed: UInt64) -> [String: Tensor] {
    var generator = CounterRandom(seed: seed)
    let rows = model.lookedUpRows
    var tensors: [String: Tensor] = [:]
    for input in inputs {
      tensors[input.name] = Self.tensor(input, limit: rows[input.name], &generator)
    }
    return tensors
  }

  private static func tensor(_ input: Input, limit: Int?, _ generator: inout CounterRandom) -> Tensor {
    let count = input.shape.reduce(1, *)
    let region = ByteRegion(count: input.type.byteCount(elements: count) ?? 0) { memory in
      for index in 0..<count {
        switch input.type {
        case .float: memory.storeBytes(of: generator.normal(), toByteOffset: index * 4, as: Float.self)
        case .double: memory.storeBytes(of: Double(generator.normal()), toByteOffset: index * 8, as: Double.self)
        case .float16, .bfloat16:
          // Between 1/2 and 2, in either format.
          let bits: UInt16 = input.type == .float16 ? 0x3800 : 0x3f00
          memory.storeBytes(of: bits | UInt16(generator.next() & 0xff), toByteOffset: index * 2, as: UInt16.self)
        case .int64:
          memory.storeBytes(of: Int64(generator.integer(below: limit)), toByteOffset: index * 8, as: Int64.self)
        case .int32:
          memory.storeBytes(of: Int32(generator.integer(below: limit)), toByteOffset: index * 4, as: Int32.self)
        default:
          let width = input.type.byteWidth ?? 0
          if width > 0 { memory[index * width] = 1 }
        }
      }
    }
    return Tensor(name: input.name, dataType: input.type, shape: input.shape, storage: .bytes(region))
  }
}

extension DeclaredSize {
  /// The size itself, or what is taken for it where it is open.
  fileprivate func callAsFunction(
    in symbols: inout [String: Int], axis: Int, rank: Int, batch: Int?, _ assumed: inout [String], _ name: String
  ) -> Int {
    switch extent {
    case .known(let known): return Int(known)
    case .symbol(let symbol):
      if let known = symbols[symbol] { return known }
      let size = Self.assumption(axis: axis, rank: rank, batch: batch)
      symbols[symbol] = size
      if axis > 0 { assumed.append("\(name)[\(axis)] = \(size)") }
      return size
    case .unknown:
      let size = Self.assumption(axis: axis, rank: rank, batch: batch)
      if axis > 0 { assumed.append("\(name)[\(axis)] = \(size)") }
      return size
    }
  }

  /// Images have 224 × 224 pixels, sequences 128 elements.
  private static func assumption(axis: Int, rank: Int, batch: Int?) -> Int {
    if axis == 0 { return batch ?? 1 }
    guard rank == 4 else { return 128 }
    return axis == 1 ? 3 : 224
  }
}

extension CounterRandom {
  /// About normally distributed: the sum of twelve uniform numbers.
  mutating func normal() -> Float {
    var sum: Float = -6
    for _ in 0..<3 {
      let bits = next()
      for part in 0..<4 { sum += Float(bits >> UInt64(16 * part) & 0xffff) / 65_536 }
    }
    return sum
  }

  /// One where there is no limit.
  mutating func integer(below limit: Int?) -> Int { limit.map { number(below: max(1, $0)) } ?? 1 }
}
