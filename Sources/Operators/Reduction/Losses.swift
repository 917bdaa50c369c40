import Dimensions
import IR

/// Losses, which name classes by number.
enum Losses {
  static let all: [any Operator] = [
    FixingOperator("NegativeLogLikelihoodLoss", reason: "names classes") { context in loss(&context) },
    FixingOperator("SoftmaxCrossEntropyLoss", reason: "names classes") { context in
      loss(&context)
      context.setOutput(1, type: context.type(0), shape: context.shape(0))
    },
    FixingOperator("Det", reason: "multiplies along it") { context in
      context.setOutput(type: context.type(0), shape: context.shape(0).map { Array($0.dropLast(2)) })
    },
  ]

  private static func loss(_ context: inout ShapeContext) {
    let isReduced = (context.node.string("reduction") ?? "mean") != "none"
    context.setOutput(type: context.type(0), shape: isReduced ? [] : context.shape(1))
  }
}
