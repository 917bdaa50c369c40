import Dimensions
import Pruning

extension Measuring {
  /// What removing each channel of each group costs the layers that read it.
  func removalLosses(_ progress: Progress) throws -> [Int: [DimensionID: [Double]]] {
    [:]
  }
}
