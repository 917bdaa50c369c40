/// A floating-point type kernels compute in: `Float` when a model runs, `Double` when gradients are held against
/// difference quotients.
///
/// A generic kernel is written once and marked `@specialized` for both, so that each gets code of its own and other
/// modules need not see its body.
public protocol Real: BinaryFloatingPoint, SIMDScalar, BitwiseCopyable, Sendable {}

extension Float: Real {}
extension Double: Real {}
