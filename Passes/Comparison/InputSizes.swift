/// Types and shapes to run a model with. Where it leaves a size open, a usual one is taken.
public struct InputSizes: Sendable {
  public struct Input: Sendable {
    public let name: String
    public let type: DataType
    public let shape: [Int]
    /// How many samples the first axis holds if the model leaves it open; `nil` where it is fixed.
    public let isBatchOpen: Bool
  }

  /// The inputs to be given: those no initializer stands in for.
  public let inputs: [Input]
  /// Inputs with sizes nobody gave, as they were taken, such as `image=1x3x64x64`.
  public let assumed: [String]

  /// - Parameters:
  ///   - shapes: what the user says of inputs.
  ///   - batch: samples at once, along the first axis; one where the model leaves it open.
  /// - Throws: where an input is no tensor of a declared type and rank.
  public init(_ model: Model, shapes: InputShapes = .none, batch: Int? = nil) throws(PassError) {
    let given = Set(model.graph.initializers.map(\.value))
    var symbols: [String: Int] = [:]
    var batchExtent: DeclaredSize.Extent?
    var inputs: [Input] = []
    var assumed: [String] = []
    for info in model.graph.inputs where !given.contains(info.value) {
      let name = model.name(of: info.value)
      guard let tensor = info.type?.tensor, let type = tensor.elementType.flatMap(DataType.init(rawValue:)),
        let rank = shapes.sizes(of: name)?.count ?? tensor.shape?.count
      else { throw .other("input \(name) is no tensor whose type and rank are declared") }
      let declared = tensor.shape ?? [DeclaredSize](repeating: DeclaredSize(.unknown), count: rank)
      guard declared.count == rank else {
        throw .usage("input \(name) has \(declared.count) axes, the shape given has \(rank)")
      }
      if batchExtent == nil { batchExtent = declared.first?.extent }
      var isAssumed = false
      var shape: [Int] = []
      for (axis, size) in declared.enumerated() {
        if let number = shapes.sizes(of: name)?[axis] {
          if case .symbol(let symbol) = size.extent { symbols[symbol] = number }
          shape.append(number)
        } else if axis == 0, let batch, size.extent == batchExtent {
          if case .symbol(let symbol) = size.extent { symbols[symbol] = batch }
          shape.append(batch)
        } else if case .known(let number) = size.extent, number >= 0 {
          shape.append(Int(clamping: number))
        } else if case .symbol(let symbol) = size.extent, let number = symbols[symbol] {
          shape.append(number)
        } else {
          let number = Self.usual(axis: axis, rank: rank)
          if case .symbol(let symbol) = size.extent, !symbol.isEmpty { symbols[symbol] = number }
          isAssumed = isAssumed || axis > 0
          shape.append(number)
        }
      }
      // Numbers of elements that overflow would be a trap later on.
      guard Tensor.count(shape) != nil else { throw .other("input \(name) of shape \(shape) is too large") }
      var isOpen = false
      if let first = declared.first?.extent, shapes.sizes(of: name) == nil {
        if case .known(let number) = first { isOpen = number < 0 } else { isOpen = true }
      }
      inputs.append(Input(name: name, type: type, shape: shape, isBatchOpen: isOpen))
      if isAssumed { assumed.append("\(name)=\(shape.map(String.init).joined(separator: "x"))") }
    }
    self.inputs = inputs
    self.assumed = assumed
  }

  /// One sample; pictures of 64 × 64; 16 of everything else, such as tokens.
  private static func usual(axis: Int, rank: Int) -> Int { axis == 0 ? 1 : rank >= 4 && axis >= 2 ? 64 : 16 }
}

extension Tensor {
  /// The elements of a shape, where memory could hold them.
  fileprivate static func count(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflows) = count.multipliedReportingOverflow(by: size)
      guard !overflows, product < 1 << 31 else { return nil }
      count = product
    }
    return count
  }
}
