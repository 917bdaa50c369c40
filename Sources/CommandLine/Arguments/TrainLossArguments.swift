import ArgumentParser
import Coppice
import DataSources
import Training

/// What is to be made small, or measured.
struct LossArguments: ParsableArguments {
  enum Name: String, ExpressibleByArgument, CaseIterable {
    case crossEntropy = "cross-entropy"
    case meanSquaredError = "mse"
    case binaryCrossEntropy = "bce"
  }

  @Option(help: "The loss.") var loss: Name = .crossEntropy
  @Option(help: ArgumentHelp("The output it is taken of; the first by default.", valueName: "name"))
  var lossOutput: String?

  func loss(labelSmoothing: Float = 0) -> Loss {
    switch loss {
    case .crossEntropy: Loss(.crossEntropy(labelSmoothing: labelSmoothing), output: lossOutput)
    case .meanSquaredError: Loss(.meanSquaredError, output: lossOutput)
    case .binaryCrossEntropy: Loss(.binaryCrossEntropy, output: lossOutput)
    }
  }
}

extension Metrics {
  /// The figures that there are, for JSON.
  var json: [(String, JSONText)] {
    func number(_ value: Double?) -> JSONText { value.map { .double($0) } ?? .null }
    return [
      ("top1", number(top1)), ("top5", number(top5)), ("loss", .double(loss)), ("perplexity", number(perplexity)),
      ("mse", number(meanSquaredError)), ("samples", .int(samples)),
    ]
  }

  /// The figures that there are, for people.
  var text: String {
    var parts = ["loss \(decimal(loss, 4))"]
    if let top1 { parts.append("top-1 \(decimal(top1 * 100, 2)) %") }
    if let top5 { parts.append("top-5 \(decimal(top5 * 100, 2)) %") }
    if let perplexity { parts.append("perplexity \(decimal(perplexity, 3))") }
    return parts.joined(separator: ", ")
  }
}
