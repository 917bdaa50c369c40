import Coppice
import DataSources
import IR

/// Arrays of a file as the inputs of a model, in its types.
///
/// What does not fit is named with both sides before anything runs.
struct InputArrays {
  let path: String
  private let arrays: [String: Tensor]

  /// - Parameter only: the name of the model's only input, for `.npy` files; `nil` where there are several.
  init(_ path: String, only: String?, inputCount: Int) throws {
    self.path = path
    guard path.hasSuffix(".npy") else {
      let tensors = try NumPyFile.readArchive(path)
      arrays = Dictionary(tensors.map { ($0.name ?? "", $0) }) { first, _ in first }
      return
    }
    guard let only else {
      throw Failure.usage("\(path): the model has \(inputCount) inputs; give an .npz file with an array for each")
    }
    arrays = [only: try NumPyFile.read(path)]
  }

  /// - Parameter anyCount: whether the first axis may be of any size, as it will be cut.
  func tensor(for input: ExpectedInput, anyCount: Bool) throws -> Tensor {
    guard let tensor = arrays[input.name] else {
      throw DataError.missingInput(name: input.name, source: path, available: arrays.keys.sorted())
    }
    guard let type = input.dataType else { return tensor }
    // Half precision is widened when it is read, so data need not be narrowed first.
    let isHalf = type == .float16 || type == .bfloat16
    guard let fitted = tensor.dataType == type ? tensor : tensor.converted(to: isHalf ? .float : type) else {
      throw DataError.wrongType(source: place(input), input: input.name, found: tensor.dataType, expected: type)
    }
    guard fits(tensor.shape, input.shape, anyCount: anyCount) else {
      let remedy = batch(of: tensor.shape, input.shape).map { "give --batch \($0) to run them \($0) at a time" }
      throw Failure.invalidModel(
        "\(place(input)): has shape \(tensor.shape), input \(input.name) takes \(text(input.shape)); "
          + (remedy ?? "reshape the data"))
    }
    return fitted
  }

  private func place(_ input: ExpectedInput) -> String {
    path.hasSuffix(".npy") ? path : "\(path): array \(input.name)"
  }

  /// Refuses arrays all of which are without samples.
  func refuseEmpty(_ tensors: [Tensor]) throws {
    if !tensors.isEmpty, tensors.allSatisfy({ $0.shape.first == 0 }) { throw DataError.empty(source: path) }
  }

  private func fits(_ shape: [Int], _ expected: [DeclaredSize.Extent]?, anyCount: Bool) -> Bool {
    guard let expected else { return true }
    guard shape.count == expected.count else { return false }
    return zip(shape, expected).enumerated().allSatisfy { axis, pair in
      if case .known(let known) = pair.1, known >= 0, axis > 0 || !anyCount { Int(known) == pair.0 } else { true }
    }
  }

  /// The number of samples the model takes at once, where the array holds a multiple and fits otherwise.
  private func batch(of shape: [Int], _ expected: [DeclaredSize.Extent]?) -> Int? {
    guard let count = shape.first, case .known(let size)? = expected?.first, size > 0, count > Int(size),
      count % Int(size) == 0, fits(shape, expected, anyCount: true)
    else { return nil }
    return Int(size)
  }

  private func text(_ shape: [DeclaredSize.Extent]?) -> String {
    let sizes = (shape ?? []).map { extent in
      switch extent {
      case .known(let size): "\(size)"
      case .symbol(let name): name
      case .unknown: "?"
      }
    }
    return "[\(sizes.joined(separator: ", "))]"
  }
}
