import IR
import Runtime

/// Finds the tone of pictures for which the spread loss is the smallest.
struct ToneSearch {
  /// Pictures that are looked at.
  static let pictureLimit = 32

  private let loss: SpreadLoss
  private let session: Session

  init(_ loss: SpreadLoss, options: RuntimeOptions) throws(RuntimeError) {
    self.loss = loss
    session = try Session(loss.model, options: options)
  }

  /// - Parameters:
  ///   - numbers: of pictures of mean zero and variance one.
  ///   - shape: of all these pictures.
  /// - Returns: the best tone, of equal ones the first; `nil` where the loss is finite for none.
  /// - Throws: `RuntimeError` where the model cannot be run, and what `progress` throws.
  func callAsFunction(
    _ numbers: [Float], shape: [Int], _ progress: Measuring.Progress = { _, _, _ in }
  ) throws -> Tone? {
    var best: (tone: Tone, loss: Float)?
    for (index, tone) in Tone.all.enumerated() {
      let found = try value(of: Tensor(floats: numbers.map { tone($0) }, shape: shape))
      if found.isFinite, best.map({ found < $0.loss }) ?? true { best = (tone, found) }
      try progress("finding the tone of samples", index + 1, Tone.all.count)
    }
    return best?.tone
  }

  /// The loss of some pictures; not finite where it is none.
  func value(of pictures: Tensor) throws(RuntimeError) -> Float {
    let results = try session.run([loss.inputName: pictures])
    return results.values.first?.floats()?.first ?? .nan
  }
}
