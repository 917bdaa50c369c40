import Dimensions
import IR

/// `TfIdfVectorizer`: counts how often sequences of a vocabulary occur, with gaps or without.
public struct TfIdfVectorizer: FixingOperator {
  public let names = [OperatorName("TfIdfVectorizer")]
  public let reason = "counts sequences"

  public func inferShapes(_ context: inout ShapeContext) throws(OperatorError) {
    guard let last = context.node.ints("ngram_indexes")?.max(), last >= 0, last < ShapeContext.sizeLimit else {
      throw OperatorError("its ngram_indexes are not columns of a table")
    }
    context.setOutput(type: .float, shape: context.shape(0).map { Array($0.dropLast()) + [.known(Int(last) + 1)] })
  }
}
