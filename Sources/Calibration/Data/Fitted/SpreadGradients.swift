import IR
import Runtime

/// The gradient of the spread loss with respect to pictures.
struct SpreadGradients {
  /// Pictures of a run.
  let pictureCount: Int
  private let parameters: Parameters
  private let pictures: Parameter
  private let program: TrainingProgram

  /// - Parameter shape: of one picture.
  /// - Throws: where an operator before the convolutions cannot be run or has no gradient.
  init(_ loss: SpreadLoss, pictures count: Int, shape: [Int], options: RuntimeOptions) throws(RuntimeError) {
    let model = loss.holdingPictures([count] + shape)
    let name = loss.inputName
    parameters = try Parameters(of: model) { $0 == name }
    guard let pictures = parameters.trained.first(where: { $0.value == loss.input }) else {
      throw RuntimeError("input \(name) holds no numbers that can be differentiated towards")
    }
    self.pictures = pictures
    pictureCount = count
    program = try TrainingProgram(
      model, minimizing: .loss(loss.loss), parameters: parameters, inputShapes: [:], normalizesByBatch: false,
      dropsOut: false, options: options)
  }

  /// Bytes of what lies between the pictures and the loss, gradients included.
  var byteCount: Int { program.memory.peakBytes - program.memory.parameterBytes }

  /// - Parameter numbers: of all pictures of a run.
  /// - Returns: the loss, and its gradient; empty where the loss does not depend on the pictures.
  func callAsFunction(_ numbers: [Float]) throws(RuntimeError) -> (loss: Double, gradient: [Float]) {
    parameters.withValues(of: pictures) { target in
      for (index, number) in zip(target.indices, numbers) { target[index] = number }
    }
    let loss = try program.run([:]).loss
    return (loss, program.withGradient(of: pictures) { Array($0) })
  }
}

extension SpreadGradients {
  /// Bytes a run may take. The same everywhere, so that samples are the same on every machine that can make them.
  private static let byteLimit = 4 << 30
  /// Of fewer pictures statistics would say too little.
  private static let leastPictures = 8

  /// Runs as many pictures at once as ``pictureCount(_:byteCount:)`` says.
  /// - Throws: where that takes too much memory, or more than a half of the machine's.
  static func fitting(
    _ loss: SpreadLoss, pictures count: Int, shape: [Int], options: RuntimeOptions
  ) throws(RuntimeError) -> SpreadGradients {
    let single = try SpreadGradients(loss, pictures: 1, shape: shape, options: options).byteCount
    let count = pictureCount(count, byteCount: single)
    let available = min(byteLimit, MachineMemory.byteCount / 2)
    guard single <= available / count else {
      throw RuntimeError("\(count) pictures at once would take more than \(available >> 20) MB")
    }
    return try SpreadGradients(loss, pictures: count, shape: shape, options: options)
  }

  /// As many pictures as are asked for, or a half, a quarter and so on where these would take too much memory.
  /// - Parameter single: bytes that one takes.
  static func pictureCount(_ count: Int, byteCount single: Int) -> Int {
    var count = max(1, count)
    while count > leastPictures, single > byteLimit / count { count = max(leastPictures, count / 2) }
    return count
  }
}
