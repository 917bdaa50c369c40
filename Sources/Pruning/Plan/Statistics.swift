import Analysis
import Dimensions
import IR

/// How large a model is.
public struct ModelStatistics: Sendable, Equatable {
  /// Elements of parameter tensors.
  public let parameters: Int
  /// Multiply-accumulate operations of one run; 1 MAC is 2 FLOPs. Sizes known only at run time count as one. More than
  /// can be counted are `Int.max`.
  public let macs: Int
  /// Bytes of parameter tensors.
  public let bytes: Int

  public init(parameters: Int, macs: Int, bytes: Int) {
    self.parameters = parameters
    self.macs = macs
    self.bytes = bytes
  }

  public init(_ analysis: ModelAnalysis, keeping keep: KeepSets = KeepSets()) {
    var parameters = 0
    var bytes = 0
    var counted: Set<ValueID> = []
    for weight in analysis.weights where weight.isParameter && counted.insert(weight.value).inserted {
      let count = weight.axes.reduce(1) { product, axis in
        product * (analysis.dimensions.keptSize(axis) { keep[$0]?.count }?.known ?? 1)
      }
      parameters += count
      bytes += weight.tensor.dataType.byteCount(elements: count) ?? 0
    }
    var macs = 0
    for term in analysis.macTerms {
      var product = term.constant
      for axis in term.axes {
        product = Self.times(product, analysis.dimensions.keptSize(axis) { keep[$0]?.count }, analysis.symbols)
      }
      for size in term.sizes { product = Self.times(product, size, analysis.symbols) }
      let (sum, overflow) = macs.addingReportingOverflow(product)
      macs = overflow ? .max : sum
    }
    self.init(parameters: parameters, macs: macs, bytes: bytes)
  }

  private static func times(_ product: Int, _ size: Size?, _ symbols: SymbolTable) -> Int {
    let value = size.flatMap { size in size.known ?? symbols.evaluate(size) { _, _ in 1 } } ?? 1
    let (result, overflow) = product.multipliedReportingOverflow(by: max(value, 1))
    return overflow ? .max : result
  }
}
